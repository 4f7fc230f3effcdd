// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/printable.hpp"
#include "engine/placement/exporters/export_files.hpp"
#include "engine/placement/exporters/onnxruntime_loader.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// "Config value is longer than maximum length: 8192" (ONNX Runtime 1.30), so nodes are named by group, not one by one.
constexpr std::size_t kMaxSetting = 8192;
constexpr std::string_view kMinVersion = "1.25"; // first with session.layer_assignment_settings
constexpr std::string_view kGpu = "tandem.GPU";
constexpr std::string_view kCpu = "tandem.CPU";

/// Where the export wants every node, and what had to be bent.
struct Assignment {
  std::vector<std::string> devices;                         ///< by NodeId; empty for dead nodes
  std::unordered_map<std::string, std::string> annotations; ///< by node name
  std::set<std::string> accelerators;
  bool usesCpu = false;
  std::vector<std::string> notes;
};

std::string counted(int count) { return std::to_string(count) + (count == 1 ? " node" : " nodes"); }

Assignment assign(const ExportRequest& request) {
  const EffectivePlacement& effective = request.effective;
  Assignment result;
  result.devices.resize(effective.effective.size());
  int elsewhere = 0;
  std::map<std::string, int> moved;
  for (std::uint32_t n = 0; n < request.graph.nodes().size(); ++n) {
    if (request.graph.isDead(NodeId(n))) continue;
    // What ran is what is exported, except that the other machine may have the device that is missing here.
    const bool missing =
        effective.reason[n] == MoveReason::DeviceAbsent || effective.reason[n] == MoveReason::DeviceHidden;
    std::string& device = result.devices[n];
    device = missing ? effective.requested[n] : effective.effective[n];
    if (missing) ++elsewhere;
    if (!missing && effective.reason[n] != MoveReason::None) ++moved[std::string(toString(effective.reason[n]))];
    const bool cpu = device.starts_with("CPU:");
    if (cpu)
      result.usesCpu = true;
    else
      result.accelerators.insert(device);
    result.annotations[request.graph.node(NodeId(n)).name] = cpu ? kCpu : kGpu;
  }
  if (elsewhere > 0)
    result.notes.push_back(counted(elsewhere) + " keep the device you asked for, which is absent or hidden here");
  for (const auto& [reason, count] : moved)
    result.notes.push_back(counted(count) + " not on the device you asked for (" + reason +
                           "): exported as they run here");
  return result;
}

std::string settings(const Assignment& assignment) {
  std::string text;
  if (!assignment.accelerators.empty()) text = "gpu(=" + std::string(kGpu) + ")";
  if (assignment.usesCpu) text += (text.empty() ? "" : ";") + ("cpu(=" + std::string(kCpu) + ")");
  return text;
}

std::string sessionOptions(const Assignment& assignment, const std::string& modelName) {
  Json json;
  json["format"] = "tandem-onnxruntime";
  json["version"] = 1;
  json["onnxruntime_min_version"] = kMinVersion;
  json["model"] = modelName;
  // "extended" keeps node names on the CPU; "all" renames convolutions.
  json["graph_optimization_level"] = "extended";
  json["session_config"]["session.layer_assignment_settings"] = settings(assignment);
  json["session_config"]["session.record_ep_graph_assignment_info"] = "1";
  json["uses_gpu"] = !assignment.accelerators.empty();
  json["gpu_providers"] = {"CUDAExecutionProvider", "ROCMExecutionProvider", "MIGraphXExecutionProvider",
                           "DmlExecutionProvider", "WebGpuExecutionProvider"};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string names(const ExportRequest& request, const Assignment& assignment) {
  std::string text = "{\n  \"format\": \"tandem-names\",\n  \"version\": 1,\n  \"nodes\": {";
  const char* separator = "\n";
  auto quoted = [](const std::string& value) {
    return Json(value).dump(-1, ' ', printable(value) != value, Json::error_handler_t::replace);
  };
  for (std::uint32_t n = 0; n < request.graph.nodes().size(); ++n) {
    if (request.graph.isDead(NodeId(n))) continue;
    const Node& node = request.graph.node(NodeId(n));
    text += separator;
    text += "    " + quoted(node.name) + ": {\"op\": " + quoted(node.type) +
            ", \"device\": " + quoted(assignment.devices[n]) +
            ", \"annotation\": " + quoted(assignment.annotations.at(node.name)) + "}";
    separator = ",\n";
  }
  return text + "\n  }\n}\n";
}

std::string readme(const ExportRequest& request, const Assignment& assignment) {
  std::string text = "Placement of " + printable(request.modelFile) +
                     " for ONNX Runtime, exported by Tandem " TANDEM_VERSION "\n" +
                     printable(request.effective.summary) + "\n";
  for (const std::string& note : assignment.notes) text += "Note: " + note + ".\n";
  return text + std::string(kOnnxRuntimeReadme);
}

} // namespace

Result<ExportResult> exportOnnxRuntime(const ExportRequest& request) {
  if (!request.annotatedModel)
    return makeError(ErrorCode::Unsupported, "this target needs the ONNX file of the model", request.modelFile,
                     "open an ONNX file, or export to 'placement'");
  Assignment assignment = assign(request);
  if (assignment.accelerators.size() > 1)
    assignment.notes.push_back("one ONNX Runtime session uses one GPU: " +
                               std::to_string(assignment.accelerators.size()) + " devices become one");
  if (std::any_of(assignment.accelerators.begin(), assignment.accelerators.end(),
                  [](const std::string& device) { return !device.starts_with("GPU:"); }))
    assignment.notes.push_back("ONNX Runtime has no OpenCL-on-CPU and no simulated devices: they stand for a GPU");
  TANDEM_ASSERT(settings(assignment).size() < kMaxSetting);

  std::string model = TANDEM_TRY(request.annotatedModel([&](std::string_view node) -> std::optional<std::string> {
    auto it = assignment.annotations.find(std::string(node));
    return it == assignment.annotations.end() ? std::nullopt : std::optional(it->second);
  }));
  TANDEM_TRY(request.cancel.check());
  const std::string modelName = fileStem(request.modelFile) + ".tandem.onnx";
  ExportFiles files;
  files.add("README.txt", readme(request, assignment));
  files.add(modelName, std::move(model));
  files.add("session_options.json", sessionOptions(assignment, modelName));
  files.add("run_onnxruntime.py", std::string(kOnnxRuntimeLoader));
  files.add("names.json", names(request, assignment));
  assignment.notes.push_back("needs ONNX Runtime " + std::string(kMinVersion) + " or newer");
  return ExportResult{TANDEM_TRY(files.write(request)), std::move(assignment.notes)};
}

} // namespace tandem
