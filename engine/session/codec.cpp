// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/codec.hpp"

#include "engine/session/decoding.hpp"

#include <algorithm>
#include <future>
#include <limits>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

using Strings = std::vector<std::string>;

Probe toProbe(const Json& json) {
  Probe probe;
  readIf(json, "gflops", probe.gflops);
  readIf(json, "memory_gb_per_s", probe.memoryGbPerS);
  readIf(json, "to_device_gb_per_s", probe.toDeviceGbPerS);
  readIf(json, "to_host_gb_per_s", probe.toHostGbPerS);
  readIf(json, "launch_us", probe.launchUs);
  readIf(json, "round_trip_us", probe.roundTripUs);
  return probe;
}

DeviceSummary toDevice(const Json& json) {
  DeviceSummary device;
  read(json, "id", device.id);
  read(json, "kind", device.kind);
  read(json, "name", device.name);
  readIf(json, "vendor", device.vendor);
  readIf(json, "driver", device.driver);
  readIf(json, "platform", device.platform);
  readIf(json, "note", device.note);
  readIf(json, "compute_units", device.computeUnits);
  readIf(json, "memory_bytes", device.memoryBytes);
  readIf(json, "max_allocation_bytes", device.maxAllocationBytes);
  readIf(json, "unified_memory", device.unifiedMemory);
  readIf(json, "visible", device.visible);
  const auto precisions = readOr(json, "precisions", std::vector<std::string>());
  device.float16 = std::find(precisions.begin(), precisions.end(), "float16") != precisions.end();
  readIf(json, "cores", device.cores);
  if (auto it = json.find("memory_limit_bytes"); it != json.end() && !it->is_null())
    device.memoryLimitBytes = readAs<std::int64_t>(*it);
  if (auto it = json.find("probe"); it != json.end() && !it->is_null()) device.probe = toProbe(*it);
  return device;
}

CpuTopology toTopology(const Json& json) {
  CpuTopology topology;
  for (const Json& each : json.at("processors")) {
    Processor processor;
    read(each, "os_index", processor.osIndex);
    read(each, "core", processor.core);
    readIf(each, "smt", processor.smtRank);
    readIf(each, "package", processor.package);
    readIf(each, "numa", processor.numaNode);
    readIf(each, "l2", processor.l2);
    readIf(each, "l3", processor.l3);
    processor.kind = coreKindFrom(each.value("kind", std::string()));
    readIf(each, "efficiency", processor.efficiency);
    readIf(each, "available", processor.available);
    topology.processors.push_back(processor);
  }
  // find() relies on the order.
  std::sort(topology.processors.begin(), topology.processors.end(),
            [](const Processor& a, const Processor& b) { return a.osIndex < b.osIndex; });
  readIf(json, "l3_bytes", topology.l3Bytes);
  return topology;
}

TensorSummary toTensor(const Json& json) {
  TensorSummary tensor;
  read(json, "name", tensor.name);
  readIf(json, "type", tensor.type);
  if (auto it = json.find("shape"); it != json.end() && !it->is_null()) {
    it->get_to(tensor.shape);
    tensor.rankKnown = true;
  }
  readIf(json, "dim_names", tensor.dimNames);
  readIf(json, "bytes", tensor.bytes);
  readIf(json, "constant", tensor.constant);
  readIf(json, "producer", tensor.producer);
  readIf(json, "consumers", tensor.consumers);
  return tensor;
}

NodeSummary toNode(const Json& json) {
  NodeSummary node;
  read(json, "name", node.name);
  read(json, "op", node.op);
  readIf(json, "domain", node.domain);
  readIf(json, "scope", node.scope);
  readIf(json, "version", node.version);
  readIf(json, "known", node.known);
  for (const Json& attribute : json.at("attributes"))
    node.attributes.emplace_back(attribute.at(0).get<std::string>(), attribute.at(1).get<std::string>());
  read(json, "inputs", node.inputs);
  read(json, "outputs", node.outputs);
  readIf(json, "flops", node.flops);
  readIf(json, "parameter_bytes", node.parameterBytes);
  readIf(json, "activation_bytes", node.activationBytes);
  return node;
}

/// Indices of a document must lie inside it, or the window would read past its vectors.
void checkIndices(const Document& document) {
  auto within = [](int index, std::size_t size) { return index >= -1 && index < static_cast<int>(size); };
  auto check = [](bool good) {
    if (!good) throw nlohmann::json::other_error::create(501, "index out of range", nullptr);
  };
  for (const NodeSummary& node : document.nodes) {
    for (int value : node.inputs) check(within(value, document.values.size()));
    for (int value : node.outputs) check(within(value, document.values.size()));
  }
  for (const TensorSummary& value : document.values) {
    check(within(value.producer, document.nodes.size()));
    for (int node : value.consumers) check(node >= 0 && within(node, document.nodes.size()));
  }
  for (int value : document.inputs) check(value >= 0 && within(value, document.values.size()));
  for (int value : document.outputs) check(value >= 0 && within(value, document.values.size()));
}

/// JSON has no NaN and no infinity: they arrive as null.
double toNumber(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

std::vector<Prediction::Class> toClasses(const Json& json) {
  std::vector<Prediction::Class> classes;
  for (const Json& each : json)
    classes.push_back({readAs<int>(each.at("index")), each.value("label", std::string()), toNumber(each.at("score"))});
  return classes;
}

Prediction toPrediction(const Json& json) {
  Prediction prediction;
  readIf(json, "input", prediction.input);
  if (auto it = json.find("error"); it != json.end()) prediction.error = decodeError(*it).line();
  prediction.top = toClasses(json.value("top", Json::array()));
  readIf(json, "notes", prediction.notes);
  readIf(json, "detector", prediction.detector);
  readIf(json, "row_count", prediction.rowCount);
  for (const Json& each : json.value("rows", Json::array())) {
    Prediction::Row row;
    readIf(each, "label", row.label);
    for (const Json& value : each.value("values", Json::array())) row.values.push_back(toNumber(value));
    row.top = toClasses(each.value("top", Json::array()));
    prediction.rows.push_back(std::move(row));
  }
  prediction.isText = json.contains("text");
  readIf(json, "text", prediction.text);
  if (auto it = json.find("text_score"); it != json.end()) prediction.textScore = toNumber(*it);
  if (auto it = json.find("boxes"); it != json.end() && !it->is_null()) {
    prediction.isDetector = true;
    for (const Json& each : *it)
      prediction.boxes.push_back({toNumber(each.at("x0")), toNumber(each.at("y0")), toNumber(each.at("x1")),
                                  toNumber(each.at("y1")), toNumber(each.at("score")),
                                  each.value("label", std::string())});
  }
  for (const Json& each : json.value("outputs", Json::array())) prediction.outputs.push_back(toTensor(each));
  readIf(json, "output_files", prediction.outputFiles);
  readIf(json, "latency_ms", prediction.latencyMs);
  readIf(json, "cold", prediction.cold);
  readIf(json, "summary", prediction.summary);
  return prediction;
}

} // namespace

Result<DeviceList> decodeDevices(const Json& json) {
  return decoding("the device list", [&] {
    DeviceList list;
    for (const Json& each : json.at("devices")) list.devices.push_back(toDevice(each));
    for (const Json& each : json.at("problems")) list.problems.push_back({each.at("platform"), each.at("message")});
    readIf(json, "advice", list.advice);
    if (auto it = json.find("topology"); it != json.end()) list.topology = toTopology(*it);
    return list;
  });
}

Result<std::vector<SampleSummary>> decodeSamples(const Json& json) {
  return decoding("the samples", [&] {
    std::vector<SampleSummary> samples;
    for (const Json& each : json.at("models"))
      samples.push_back({each.at("name"), each.at("title"), each.at("description")});
    return samples;
  });
}

Result<Document> decodeDocument(const Json& json) {
  return decoding("the model", [&] {
    Document document;
    readIf(json, "handle", document.handle);
    read(json, "source", document.source);
    read(json, "name", document.name);
    readIf(json, "sha256", document.sha256);
    readIf(json, "producer", document.producer);
    readIf(json, "opset", document.opset);
    for (const Json& each : json.at("nodes")) document.nodes.push_back(toNode(each));
    for (const Json& each : json.at("values")) document.values.push_back(toTensor(each));
    read(json, "inputs", document.inputs);
    read(json, "outputs", document.outputs);
    readIf(json, "unsupported_operators", document.unsupportedOperators);
    readIf(json, "warnings", document.warnings);
    readIf(json, "preprocess", document.preprocess);
    readIf(json, "preprocess_certain", document.preprocessCertain);
    for (const Json& each : json.value("free_dims", Json::array())) {
      FreeDimSummary& dim = document.freeDims.emplace_back();
      read(each, "key", dim.key);
      readIf(each, "where", dim.where);
      readIf(each, "size", dim.size);
      readIf(each, "chosen", dim.chosen);
      readIf(each, "reason", dim.reason);
    }
    readIf(json, "sizes_problem", document.sizesProblem);
    readIf(json, "input_kinds", document.inputKinds);
    readIf(json, "audio", document.audio);
    readIf(json, "vocab_file", document.vocabulary);
    for (const Json& each : json.value("states", Json::array()))
      document.states.push_back({each.at("input"), each.at("output"), each.value("reason", std::string())});
    readIf(json, "labels_file", document.labelsFile);
    readIf(json, "detector", document.detector);
    checkIndices(document);
    return document;
  });
}

Result<PlacementView> decodePlacementView(const Json& json) {
  return decoding("the effective placement", [&] {
    PlacementView view;
    read(json, "requested", view.requested);
    read(json, "effective", view.effective);
    read(json, "reason", view.reason);
    read(json, "detail", view.detail);
    read(json, "summary", view.summary);
    for (const Json& each : json.at("transfers"))
      view.transfers.push_back(
          {readAs<int>(each.at("value")), each.at("from"), each.at("to"), readAs<std::int64_t>(each.at("bytes"))});
    readIf(json, "transfer_bytes", view.transferBytes);
    readIf(json, "warnings", view.warnings);
    return view;
  });
}

Result<std::vector<Prediction>> decodePredictions(const Json& json) {
  return decoding("the predictions", [&] {
    std::vector<Prediction> predictions;
    for (const Json& each : json.at("predictions")) predictions.push_back(toPrediction(each));
    return predictions;
  });
}

Result<InputPreview> decodePreview(const Json& json) {
  return decoding("the preview", [&] {
    InputPreview preview;
    preview.kind = json.at("kind");
    readIf(json, "input", preview.input);
    readIf(json, "notes", preview.notes);
    readIf(json, "width", preview.width);
    readIf(json, "height", preview.height);
    readIf(json, "rgb", preview.rgb);
    if (json.contains("minimum") && json["minimum"].is_number()) preview.minimum = json["minimum"];
    if (json.contains("maximum") && json["maximum"].is_number()) preview.maximum = json["maximum"];
    readIf(json, "desc", preview.desc);
    readIf(json, "low", preview.low);
    readIf(json, "high", preview.high);
    readIf(json, "seconds", preview.seconds);
    return preview;
  });
}

Result<ExportResult> decodeExport(const Json& json) {
  return decoding("the export", [&] {
    ExportResult result;
    read(json, "files", result.files);
    readIf(json, "notes", result.notes);
    return result;
  });
}

Json encodePlacement(const PlacementDoc& placement) {
  Json json;
  json["format"] = "tandem-placement";
  json["version"] = 1;
  json["model"] = {{"name", placement.modelName}, {"sha256", placement.modelSha256}, {"nodes", placement.modelNodes}};
  json["default"] = placement.defaultDevice;
  json["rules"] = Json::array();
  for (const auto& [match, device] : placement.rules) json["rules"].push_back({{"match", match}, {"device", device}});
  json["nodes"] = Json::object();
  for (const auto& [node, device] : placement.nodes) json["nodes"][node] = device;
  return json;
}

Result<PlacementDoc> decodePlacement(const Json& json) {
  return decoding("the placement", [&] {
    PlacementDoc placement;
    if (auto it = json.find("model"); it != json.end()) {
      readIf(*it, "name", placement.modelName);
      readIf(*it, "sha256", placement.modelSha256);
      readIf(*it, "nodes", placement.modelNodes);
    }
    readIf(json, "default", placement.defaultDevice);
    for (const Json& each : json.value("rules", Json::array()))
      placement.rules.emplace_back(each.at("match").get<std::string>(), each.at("device").get<std::string>());
    const Json nodes = json.value("nodes", Json::object());
    for (const auto& [node, device] : nodes.items()) placement.nodes[node] = device.get<std::string>();
    return placement;
  });
}

Json encodeError(const Error& error) {
  Json json{{"code", toString(error.code)}, {"message", error.message}, {"where", error.where}, {"hint", error.hint}};
  if (!error.problems.empty()) json["problems"] = error.problems;
  return json;
}

Error decodeError(const Json& json) {
  Error error;
  auto decoded = decoding("an error", [&] {
    const auto code = errorCodeFrom(json.at("code").get<std::string>());
    error = makeError(code.value_or(ErrorCode::Internal), json.at("message"), json.value("where", std::string()),
                      json.value("hint", std::string()));
    readIf(json, "problems", error.problems);
    return true;
  });
  return decoded ? error : decoded.error();
}

Result<Json> parseJson(std::string_view text, std::string_view where) {
  constexpr int kMaxDepth = 64;
  bool tooDeep = false;
  const auto limit = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) tooDeep = true;
    return !tooDeep;
  };
  Json json = Json::parse(text, limit, false);
  if (json.is_discarded() || tooDeep)
    return makeError(ErrorCode::InputRejected, tooDeep ? "the JSON is nested too deeply" : "this is not JSON",
                     std::string(where), "check the file");
  return json;
}

Result<Json> call(Session& session, const std::string& method, const Json& params, EventFunction event) {
  std::promise<Result<Json>> promise;
  std::future<Result<Json>> future = promise.get_future();
  session.request(
      method, params, [&](Result<Json> reply) { promise.set_value(std::move(reply)); }, std::move(event));
  return future.get();
}

} // namespace tandem::session
