// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/variant_cache.hpp"
#include "engine/session/codec.hpp"
#include "engine/session/host_threads.hpp"
#include "engine/session/predict_results.hpp"
#include "engine/session/service.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

constexpr std::int64_t kMaxJoinedBytes = std::int64_t{2} << 30;

Result<void> makeFolder(const std::string& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    return makeError(ErrorCode::OutputFailed, "the folder cannot be created: " + problem.message(), folder,
                     "choose a folder that you may write to");
  return {};
}

/// Results of many steps, joined along the first dimension (a new one where that is not 1).
class Joined {
 public:
  Result<void> add(const Tensor& step, std::int64_t index, std::int64_t steps) {
    if (index == 0) {
      std::vector<std::int64_t> dims = step.shape().dims();
      if (dims.empty() || dims[0] != 1) dims.insert(dims.begin(), 1);
      dims[0] = steps;
      const TensorDesc desc{step.type(), Shape(std::move(dims))};
      const auto bytes = desc.checkedBytes();
      if (!bytes || *bytes > kMaxJoinedBytes)
        return makeError(ErrorCode::InputRejected, "the results of all steps together are too large", "predictions",
                         "give a shorter recording or table");
      m_all = Tensor::zeros(desc);
      m_stepBytes = step.bytes();
    }
    if (step.type() != m_all.type() || step.bytes() != m_stepBytes)
      return makeError(ErrorCode::Mismatch, "an output changed its shape between two steps", "predictions",
                       "run the pieces one by one");
    std::memcpy(static_cast<std::byte*>(m_all.mutableData()) + static_cast<std::size_t>(index) * m_stepBytes,
                step.data(), m_stepBytes);
    return {};
  }
  const Tensor& tensor() const { return m_all; }

 private:
  Tensor m_all;
  std::size_t m_stepBytes = 0;
};

/// Runs one prediction after another on one placement; compiles once per set of input shapes.
class Predictor {
 public:
  static Result<Predictor> create(const Job& job) {
    Predictor predictor(job);
    predictor.m_document = TANDEM_TRY(documentOf(job));
    predictor.m_registry = job.state.registry();
    TANDEM_TRY(requireRunnable(*predictor.m_document));
    predictor.m_placement = TANDEM_TRY(placementOf(job.params, *predictor.m_registry));
    predictor.m_variants = std::make_unique<VariantCache>(predictor.m_document->graph(), predictor.compiler());
    return predictor;
  }

  const OpenDocument& document() const { return *m_document; }
  const std::string& summary() const { return *m_summary; }
  const VariantCache& variants() const { return *m_variants; }
  double latencyMs() const { return m_latencyMs; } ///< of one execution, the mean over steps
  bool isCold() const { return m_isCold; }         ///< that was the only execution so far

  Result<PredictedOutputs> run(const InputSet& input, const std::vector<StatePair>& states) {
    std::vector<Tensor> tensors = input.tensors;
    TANDEM_TRY(prepare(tensors));
    PredictedOutputs results;
    results.isState.assign(m_slot->outputCount(), false);
    for (const StatePair& pair : states) results.isState[pair.output] = true;
    std::vector<Joined> joined(m_slot->outputCount());
    double total = 0;
    for (std::int64_t step = 0; step < input.steps; ++step) {
      TANDEM_TRY(m_job->cancel.check());
      if (step > 0) {
        tensors[input.steppedInput] = input.step(step);
        for (const StatePair& pair : states) tensors[pair.input] = m_slot->output(pair.output).clone();
        TANDEM_TRY(prepare(tensors));
        if (step % 64 == 0) m_job->progress(step, input.steps, input.label);
      }
      TANDEM_TRY(m_slot->setInputs(tensors));
      const bool warmsUp = step == 0 && m_isNew && hasDrivers();
      m_isCold = m_isNew && !warmsUp && input.steps == 1;
      if (warmsUp) TANDEM_TRY(m_slot->run(m_job->cancel));
      m_isNew = false;
      const RunTimes times = TANDEM_TRY(m_slot->run(m_job->cancel));
      total += static_cast<double>(times.totalNs) * 1e-6;
      for (std::size_t i = 0; i < joined.size() && input.steps > 1; ++i)
        if (!results.isState[i]) TANDEM_TRY(joined[i].add(m_slot->output(i), step, input.steps));
    }
    m_latencyMs = total / static_cast<double>(input.steps);
    for (std::size_t i = 0; i < joined.size(); ++i)
      results.outputs.push_back(input.steps > 1 && !results.isState[i] ? joined[i].tensor() : m_slot->output(i));
    return results;
  }

 private:
  explicit Predictor(const Job& job) : m_job(&job) {}

  Result<void> prepare(const std::vector<Tensor>& tensors) {
    const auto before = m_variants->compiled();
    m_slot = TANDEM_TRY(m_variants->slotFor(tensors));
    m_isNew = m_isNew || m_variants->compiled() != before;
    return {};
  }

  /// Drivers set themselves up at the first run, which says nothing about the device.
  bool hasDrivers() const {
    const std::vector<Device*> devices = m_slot->executable().devices();
    return std::any_of(devices.begin(), devices.end(),
                       [](const Device* device) { return device->info().kind != DeviceKind::NativeCpu; });
  }

  /// Compiles for these inputs. Holds what it needs, as the predictor moves.
  VariantCache::Compile compiler() const {
    return [job = m_job, document = m_document, registry = m_registry, placement = m_placement,
            summary = m_summary](std::span<const Tensor> inputs) -> Result<std::shared_ptr<const Executable>> {
      BoundGraph bound = TANDEM_TRY(bindTensors(document->graph(), inputs));
      PlacedGraph placed =
          TANDEM_TRY(place(std::move(bound), placement, *registry, job->params.value("strict", false)));
      *summary = placed.effective.summary;
      CompileOptions options;
      options.compiled = job->params.value("mode", std::string("compiled")) != "eager";
      options.cancel = job->cancel;
      options.precision = TANDEM_TRY(precisionOf(job->params));
      options.progress = job->progressFunction();
      options.tune = TANDEM_TRY(firstUseTuning(*job));
      options.hostCores = hostCoresFor(*registry, placed.deviceOf);
      auto executable = TANDEM_TRY(
          Executable::compile(std::move(placed.bound), std::move(placed.deviceOf), registry->host(), options));
      TANDEM_TRY(requireWithinLimits(*executable, *registry));
      return executable;
    };
  }

  const Job* m_job;
  std::shared_ptr<const OpenDocument> m_document;
  std::shared_ptr<const DeviceRegistry> m_registry;
  Placement m_placement;
  std::shared_ptr<std::string> m_summary = std::make_shared<std::string>(); ///< of the variant compiled last
  std::unique_ptr<VariantCache> m_variants;
  ExecutionSlot* m_slot = nullptr;
  bool m_isNew = false; ///< m_slot was compiled and has not run yet
  double m_latencyMs = 0;
  bool m_isCold = false;
};

Result<Json> predictOne(Predictor& predictor, const InputReader& reader, std::size_t index,
                        const ResultOptions& options) {
  const InputSet input = TANDEM_TRY(reader.read(index));
  const PredictedOutputs results = TANDEM_TRY(predictor.run(input, reader.states()));
  Json prediction = TANDEM_TRY(encodePrediction(predictor.document(), input, results, index, options));
  prediction["latency_ms"] = predictor.latencyMs();
  prediction["cold"] = predictor.isCold();
  prediction["summary"] = predictor.summary();
  return prediction;
}

} // namespace

Result<Json> predict(const Job& job) {
  Predictor predictor = TANDEM_TRY(Predictor::create(job));
  const ResultOptions options = TANDEM_TRY(decodeResultOptions(job.params));
  InputOptions inputs = TANDEM_TRY(decodeInputOptions(job.params));
  const InputReader reader = TANDEM_TRY(InputReader::create(predictor.document(), std::move(inputs)));
  if (!options.outputFolder.empty()) TANDEM_TRY(makeFolder(options.outputFolder));

  Json predictions = Json::array();
  std::optional<Error> first;
  std::size_t failed = 0;
  for (std::size_t i = 0; i < reader.count(); ++i) {
    TANDEM_TRY(job.cancel.check());
    job.progress(static_cast<std::int64_t>(i), static_cast<std::int64_t>(reader.count()), reader.label(i));
    auto prediction = predictOne(predictor, reader, i, options);
    if (prediction.ok()) {
      TANDEM_TRY(requireUnchanged(predictor.document()));
      predictions.push_back(std::move(*prediction));
      continue;
    }
    // One bad file among many is listed; everything else, and a bad file alone, ends the request.
    if (prediction.error().code != ErrorCode::InputRejected || reader.count() == 1) return prediction.error();
    if (!first) first = prediction.error();
    ++failed;
    predictions.push_back({{"input", reader.label(i)}, {"error", encodeError(prediction.error())}});
  }
  if (failed == reader.count() && first) return *first;
  return Json{{"predictions", std::move(predictions)},
              {"failed", failed},
              {"variants", predictor.variants().compiled()},
              {"precision", toString(TANDEM_TRY(precisionOf(job.params)))}};
}

} // namespace tandem::session
