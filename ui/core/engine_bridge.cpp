// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/engine_bridge.hpp"

#include "engine/session/codec.hpp"
#include "ui/core/labels.hpp"

#include <nlohmann/json.hpp>

#include <QMetaObject>

namespace tandem::ui {
namespace {

using session::Json;

Json modelParams(const ModelRef& model) {
  Json params = Json::object();
  if (model.handle != 0)
    params["handle"] = model.handle;
  else
    params["model"] = model.source.toStdString();
  return params;
}

Json stringArray(const QStringList& texts) {
  Json array = Json::array();
  for (const QString& text : texts) array.push_back(text.toStdString());
  return array;
}

Json inputParams(const ModelRef& model, const PredictSpec& spec) {
  Json params = modelParams(model);
  params["inputs"] = stringArray(spec.inputs);
  if (!spec.text.isEmpty()) params["texts"] = {spec.text.toStdString()};
  if (!spec.vocabulary.isEmpty()) params["vocab"] = spec.vocabulary.toStdString();
  if (!spec.preprocess.isEmpty()) params["preprocess"] = spec.preprocess.toStdString();
  if (!spec.audio.isEmpty()) params["audio"] = spec.audio.toStdString();
  return params;
}

double number(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_number() ? found->get<double>() : 0.0;
}

} // namespace

EngineBridge::EngineBridge(SessionFactory factory, QObject* parent) : QObject(parent), m_factory(std::move(factory)) {}

EngineBridge::~EngineBridge() {
  // Joins the session's threads first: their callbacks post to this object.
  m_session.reset();
}

void EngineBridge::start() {
  m_failedStarts = 0;
  launch();
}

void EngineBridge::launch() {
  m_session.reset();
  m_ready = false;
  m_pid = 0;
  const int generation = ++m_generation;
  auto started = m_factory([this, generation](const session::WorkerEnd& end) {
    QMetaObject::invokeMethod(
        this, [this, end, generation] { handleEnd(end, generation); }, Qt::QueuedConnection);
  });
  if (!started.ok()) {
    emit engineUnavailable(started.error());
    return;
  }
  m_session = std::move(started).value();
  const bool replacement = generation > 1;
  send<int>(
      kOther, session::method::kHello, Json::object(),
      [](const Json& json) -> Result<int> { return static_cast<int>(number(json, "pid")); },
      [this, replacement](const Result<int>& pid) {
        if (!pid.ok()) return; // the end of the worker is reported on its own
        m_pid = *pid;
        m_ready = true;
        m_failedStarts = 0;
        emit workerReady(replacement);
      });
}

void EngineBridge::handleEnd(const session::WorkerEnd& end, int generation) {
  if (generation != m_generation) return;
  const bool wasReady = m_ready;
  m_ready = false;
  m_pid = 0;
  m_failedStarts = wasReady ? 0 : m_failedStarts + 1;
  if (m_failedStarts >= 2) {
    m_session.reset();
    emit engineUnavailable(makeError(ErrorCode::WorkerLost, "the engine worker ends before it answers", end.message,
                                     "check that tandem-worker lies beside this program and starts"));
    return;
  }
  emit workerLost(toQString(end.message), toQString(end.device));
  launch();
}

template <class T>
void EngineBridge::send(Channel channel, const char* method, const Json& params,
                        std::function<Result<T>(const Json&)> decode, Done<T> done, Done<T> stale,
                        session::EventFunction event) {
  const quint64 job = channel == kOther ? 0 : ++m_jobs[channel].number;
  ++m_pending;
  emit busyChanged();
  const auto deliver = [this, channel, job, done = std::move(done),
                        stale = std::move(stale)](const std::shared_ptr<Result<T>>& result) {
    QMetaObject::invokeMethod(
        this,
        [this, channel, job, done, stale, result] {
          --m_pending;
          const bool current = channel == kOther || job == m_jobs[channel].number;
          if (current && channel != kOther) m_jobs[channel].request = 0;
          if (current && done) done(*result);
          if (!current && stale) stale(*result);
          emit busyChanged();
        },
        Qt::QueuedConnection);
  };
  if (!m_session) {
    deliver(std::make_shared<Result<T>>(
        makeError(ErrorCode::WorkerLost, "the engine is not running", {}, "restart it from the Run menu")));
    return;
  }
  // Large documents are decoded on the session's thread, not on the UI thread.
  const std::uint64_t request = m_session->request(
      method, params,
      [decode = std::move(decode), deliver](Result<Json> reply) {
        deliver(std::make_shared<Result<T>>(reply.ok() ? decode(*reply) : Result<T>(reply.error())));
      },
      std::move(event));
  if (channel != kOther) m_jobs[channel].request = request;
}

session::EventFunction EngineBridge::progressEvents(Progress progress) {
  if (!progress) return {};
  return [this, progress = std::move(progress)](const std::string& event, const Json& data) {
    if (event != "progress") return;
    const auto text = data.find("text");
    const QString label = text != data.end() && text->is_string() ? toQString(text->get<std::string>()) : QString();
    QMetaObject::invokeMethod(
        this,
        [progress, done = number(data, "done"), total = number(data, "total"), label] { progress(done, total, label); },
        Qt::QueuedConnection);
  };
}

void EngineBridge::cancel(Channel channel) {
  if (m_session && m_jobs[channel].request != 0) m_session->cancel(m_jobs[channel].request);
}

void EngineBridge::cancelOpen() { cancel(kOpen); }
void EngineBridge::cancelPredict() { cancel(kPredict); }
void EngineBridge::cancelProfile() { cancel(kProfile); }

void EngineBridge::cancelTune() { cancel(kTune); }
void EngineBridge::cancelCompare() { cancel(kParity); }
void EngineBridge::stopRun() { cancel(kRun); }

Json EngineBridge::configParams() const {
  Json params = Json::object();
  params["cores"] = m_config.cores.toStdString();
  params["hide"] = stringArray(m_config.hidden);
  Json limits = Json::object();
  for (const auto& [id, bytes] : m_config.memoryLimits) limits[id.toStdString()] = bytes;
  params["memory_limits"] = limits;
  return params;
}

void EngineBridge::configure(const EngineConfig& config, Done<session::DeviceList> done) {
  m_config = config;
  send<session::DeviceList>(kDevices, session::method::kConfigure, configParams(), session::decodeDevices,
                            std::move(done));
}

void EngineBridge::devices(bool probe, Done<session::DeviceList> done) {
  send<session::DeviceList>(kDevices, session::method::kDevices, Json{{"probe", probe}}, session::decodeDevices,
                            std::move(done));
}

void EngineBridge::models(Done<std::vector<session::SampleSummary>> done) {
  send<std::vector<session::SampleSummary>>(kOther, session::method::kModels, Json::object(), session::decodeSamples,
                                            std::move(done));
}

void EngineBridge::open(const QString& source, const Sizes& sizes, Done<session::Document> done) {
  cancel(kOpen);
  Json params{{"model", source.toStdString()}};
  if (!sizes.empty()) params["dims"] = sizes;
  send<session::Document>(kOpen, session::method::kOpen, params, session::decodeDocument, std::move(done),
                          [this](const Result<session::Document>& overtaken) {
                            if (overtaken.ok()) close(overtaken->handle);
                          });
}

void EngineBridge::resize(int handle, const Sizes& sizes, Done<session::Document> done) {
  send<session::Document>(kOther, session::method::kOpen, Json{{"handle", handle}, {"dims", sizes}},
                          session::decodeDocument, std::move(done));
}

void EngineBridge::close(int handle) {
  if (handle == 0 || !m_session) return;
  send<bool>(kOther, session::method::kClose, Json{{"handle", handle}},
             [](const Json&) -> Result<bool> { return true; }, {});
}

void EngineBridge::placement(const ModelRef& model, const session::PlacementDoc& placement,
                             Done<session::PlacementView> done) {
  Json params = modelParams(model);
  params["placement"] = session::encodePlacement(placement);
  send<session::PlacementView>(kPlacement, session::method::kPlacement, params, session::decodePlacementView,
                               std::move(done));
}

void EngineBridge::predict(const ModelRef& model, const PredictSpec& spec, Done<std::vector<session::Prediction>> done,
                           Progress progress) {
  Json params = inputParams(model, spec);
  if (spec.placement)
    params["placement"] = session::encodePlacement(*spec.placement);
  else
    params["device"] = spec.device;
  if (!spec.labels.isEmpty()) params["labels"] = spec.labels.toStdString();
  params["top"] = spec.top;
  cancel(kPredict);
  send<std::vector<session::Prediction>>(kPredict, session::method::kPredict, params, session::decodePredictions,
                                         std::move(done), {}, progressEvents(std::move(progress)));
}

void EngineBridge::preview(const ModelRef& model, const PredictSpec& spec, Done<session::InputPreview> done) {
  cancel(kPreview);
  send<session::InputPreview>(kPreview, session::method::kPreview, inputParams(model, spec), session::decodePreview,
                              std::move(done));
}

void EngineBridge::profile(const ModelRef& model, int nodeCount, const session::PlacementDoc& placement,
                           Done<session::Profile> done, Progress progress) {
  Json params = modelParams(model);
  params["placement"] = session::encodePlacement(placement);
  params["probe"] = true;
  cancel(kProfile);
  send<session::Profile>(
      kProfile, session::method::kProfile, params,
      [nodeCount](const Json& json) { return session::decodeProfile(json, static_cast<std::size_t>(nodeCount)); },
      std::move(done), {}, progressEvents(std::move(progress)));
}

void EngineBridge::tune(const ModelRef& model, int nodeCount, const TuneSpec& spec, Done<session::Tuning> done,
                        Progress progress) {
  Json params = modelParams(model);
  if (spec.device.isEmpty())
    params["placement"] = session::encodePlacement(spec.placement);
  else
    params["device"] = spec.device.toStdString();
  params["batch"] = spec.batch;
  params["seconds"] = spec.seconds;
  params["again"] = spec.again;
  cancel(kTune);
  send<session::Tuning>(
      kTune, session::method::kTune, params,
      [nodeCount](const Json& json) { return session::decodeTuning(json, static_cast<std::size_t>(nodeCount)); },
      std::move(done), {}, progressEvents(std::move(progress)));
}

void EngineBridge::compare(const ModelRef& model, const session::ParitySpec& spec, Done<session::Parity> done,
                           Progress progress) {
  Json params = modelParams(model);
  params.update(session::encodeParitySpec(spec));
  cancel(kParity);
  send<session::Parity>(kParity, session::method::kParity, params, session::decodeParity, std::move(done), {},
                        progressEvents(std::move(progress)));
}

void EngineBridge::run(const ModelRef& model, const session::RunSpec& spec, Done<session::Report> done,
                       std::function<void(const session::Snapshot&)> snapshot, Progress progress) {
  Json params = modelParams(model);
  params.update(session::encodeRun(spec));
  const auto progressed = progressEvents(std::move(progress));
  send<session::Report>(
      kRun, session::method::kRun, params, session::decodeReport, std::move(done), {},
      [this, snapshot = std::move(snapshot), progressed](const std::string& event, const Json& data) {
        if (event != "snapshot") {
          if (progressed) progressed(event, data);
          return;
        }
        auto decoded = session::decodeSnapshot(data);
        if (!decoded.ok()) return; // a damaged snapshot is one missing point; garbage ends the worker elsewhere
        QMetaObject::invokeMethod(
            this,
            [snapshot, value = std::make_shared<session::Snapshot>(std::move(decoded).value())] { snapshot(*value); },
            Qt::QueuedConnection);
      });
}

void EngineBridge::deploy(const session::RunChange& change, Done<bool> done) {
  send<bool>(
      kOther, session::method::kDeploy, session::encodeChange(change), [](const Json&) -> Result<bool> { return true; },
      std::move(done));
}

void EngineBridge::exportPlacement(const ModelRef& model, const session::PlacementDoc& placement, const QString& format,
                                   const QString& folder, bool overwrite, Done<session::ExportResult> done) {
  Json params = modelParams(model);
  params["placement"] = session::encodePlacement(placement);
  params["to"] = format.toStdString();
  params["folder"] = folder.toStdString();
  params["overwrite"] = overwrite;
  send<session::ExportResult>(kOther, session::method::kExport, params, session::decodeExport, std::move(done));
}

} // namespace tandem::ui
