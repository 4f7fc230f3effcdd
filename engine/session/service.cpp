// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/service.hpp"

#include "engine/runtime/executable.hpp"
#include "engine/session/codec.hpp"
#include "engine/session/json_read.hpp"
#include "engine/tensor/visit.hpp"

#include <array>
#include <new>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace tandem::session {
namespace {

struct Method {
  std::string_view name;
  Result<Json> (*handler)(const Job&);
  bool isLong;
};

constexpr std::array kMethods{
    Method{method::kHello, hello, false},
    Method{method::kConfigure, configure, true},
    Method{method::kDevices, listDevices, true},
    Method{method::kModels, listModels, false},
    Method{method::kOperators, listOperators, false},
    Method{method::kOpen, openModel, false},
    Method{method::kClose, closeModel, false},
    Method{method::kPlacement, viewPlacement, false},
    Method{method::kPredict, predict, true},
    Method{method::kPreview, previewInput, false},
    Method{method::kVerify, verifyCases, true},
    Method{method::kParity, parity, true},
    Method{method::kProfile, profile, true},
    Method{method::kTune, tune, true},
    Method{method::kRun, run, true},
    Method{method::kStudy, study, true},
    Method{method::kDeploy, deploy, false},
    Method{method::kExport, exportPlacement, false},
};

const Method* findMethod(std::string_view name) {
  for (const Method& each : kMethods)
    if (each.name == name) return &each;
  return nullptr;
}

} // namespace

void Job::progress(std::int64_t done, std::int64_t total, const std::string& text) const {
  if (event) event("progress", {{"done", done}, {"total", total}, {"text", text}});
}

std::function<void(std::int64_t, std::int64_t, const std::string&)> Job::progressFunction() const {
  if (!event) return {};
  return [event = event](std::int64_t done, std::int64_t total, const std::string& text) {
    event("progress", {{"done", done}, {"total", total}, {"text", text}});
  };
}

Result<Json> handle(const std::string& method, const Job& job) {
  const Method* found = findMethod(method);
  if (!found) return makeError(ErrorCode::Usage, "unknown request '" + method + "'", {}, "client and engine differ");
  try {
    return found->handler(job);
  } catch (const nlohmann::json::exception& problem) {
    return makeError(ErrorCode::Usage, "the request '" + method + "' is malformed (" + problem.what() + ")", {},
                     "client and engine differ");
  } catch (const std::bad_alloc&) {
    return makeError(ErrorCode::DeviceFailed, "not enough memory on the host", method,
                     "use a smaller batch, fewer replicas or fewer streams");
  } catch (const std::exception& problem) {
    return makeError(ErrorCode::Internal, std::string("unexpected failure: ") + problem.what(), method,
                     "please report this");
  }
}

bool isLong(const std::string& method) {
  const Method* found = findMethod(method);
  return found && found->isLong;
}

Result<Json> hello(const Job&) {
  return Json{{"protocol", 1}, {"version", TANDEM_VERSION}, {"pid", static_cast<int>(getpid())}};
}

Result<std::shared_ptr<const OpenDocument>> documentOf(const Job& job) {
  if (job.params.contains("handle")) return job.state.find(readAs<int>(job.params.at("handle")));
  const auto sizes = readOr(job.params, "dims", EngineState::Sizes());
  auto document = TANDEM_TRY(job.state.open(job.params.at("model").get<std::string>(), sizes, job.cancel));
  job.state.close(document->handle);
  return document;
}

Result<Precision> precisionOf(const Json& params) {
  const std::string text = params.value("precision", std::string(toString(Precision::Model)));
  if (const auto precision = precisionFrom(text)) return *precision;
  return makeError(ErrorCode::Usage, "unknown precision '" + text + "'", "precision", "model or float16");
}

Result<Placement> placementOf(const Json& params, const DeviceRegistry& registry) {
  if (auto it = params.find("placement"); it != params.end() && !it->is_null())
    return TANDEM_TRY(parsePlacement(it->dump(), "placement")).placement;
  std::string device = params.value("device", std::string());
  if (device.empty()) device = registry.host().id();
  if (!registry.find(device)) {
    std::string known;
    for (Device* each : registry.devices()) known += (known.empty() ? "" : ", ") + each->id();
    std::string hint = "this machine has " + known;
    for (const tandem::DeviceProblem& problem : registry.problems())
      hint += "; " + problem.platform + ": " + problem.message;
    return makeError(ErrorCode::Usage, "there is no device '" + device + "'", {}, std::move(hint));
  }
  return Placement(device);
}

Result<void> requireRunnable(const OpenDocument& document) {
  const auto& missing = document.model.unsupportedOperators;
  if (missing.empty()) return {};
  std::string list;
  for (const std::string& each : missing) list += (list.empty() ? "" : ", ") + each;
  return makeError(ErrorCode::Unsupported, "the model uses operators that are not known here: " + list, document.name,
                   "it can be viewed, not run; export it with standard ONNX operators");
}

Result<void> requireUnchanged(const OpenDocument& document) {
  for (const auto& file : document.model.files) TANDEM_TRY(file->requireUnchanged());
  return {};
}

Result<void> requireWithinLimits(const Executable& executable, const DeviceRegistry& registry) {
  for (const ExecutableMemory& use : executable.memory()) {
    const auto limit = registry.memoryLimit(use.device->id());
    const std::int64_t need = use.weightsBytes + use.activationsBytes + use.stagingBytes;
    if (!limit || need <= *limit) continue;
    return makeError(ErrorCode::DeviceFailed,
                     "the plan needs " + std::to_string(need) + " bytes, the memory limit is " + std::to_string(*limit),
                     use.device->id(), "use a smaller batch or smaller inputs, another device, or a higher limit");
  }
  return {};
}

Result<PlacedGraph> place(BoundGraph bound, const Placement& placement, const DeviceRegistry& registry, bool strict) {
  PlacedGraph placed{std::move(bound), {}, {}};
  placed.effective = TANDEM_TRY(computeEffective(withKnownShapeInputs(placed.bound), placement, registry, {strict}));
  if (!placed.effective.unsupported.empty()) {
    const NodeId id = placed.effective.unsupported.front();
    const Node& node = placed.bound.graph.node(id);
    return makeError(ErrorCode::Unsupported,
                     "no device can run " + node.type + " (" + placed.effective.detail[id.index()] + ")", node.name,
                     "the model can be viewed, not run");
  }
  placed.deviceOf.resize(placed.bound.graph.nodes().size(), &registry.host());
  for (std::uint32_t i = 0; i < placed.deviceOf.size(); ++i)
    if (Device* device = registry.find(placed.effective.effective[i])) placed.deviceOf[i] = device;
  return placed;
}

Json encodeTensor(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  Json json;
  json["name"] = value.name;
  json["type"] = value.desc.type == DataType::Undefined ? "" : std::string(toString(value.desc.type));
  json["shape"] = value.rankKnown ? Json(value.desc.shape.dims()) : Json();
  bool anyName = false;
  for (const std::string& name : value.dimNames) anyName = anyName || !name.empty();
  if (anyName) json["dim_names"] = value.dimNames;
  json["bytes"] = value.isStatic() ? value.desc.checkedBytes().value_or(-1) : -1;
  if (value.isConstant()) json["constant"] = true;
  if (value.producer.valid()) json["producer"] = value.producer.index();
  Json consumers = Json::array();
  for (NodeId consumer : value.consumers)
    if (consumers.empty() || consumers.back() != consumer.index()) consumers.push_back(consumer.index());
  json["consumers"] = std::move(consumers);
  return json;
}

} // namespace tandem::session
