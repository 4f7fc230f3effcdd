// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/parity_types.hpp"

#include "engine/session/json_read.hpp"
#include "engine/session/shell_quote.hpp"

#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

/// JSON has no infinity and no NaN: the engine sends null for the first where a figure cannot be finite, and texts for
/// elements.
double figure(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::infinity() : json.get<double>();
}

double element(const Json& json) {
  if (json.is_number()) return json.get<double>();
  const auto text = json.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  return text == "-inf" ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

ParityFigures toFigures(const Json& json) {
  ParityFigures figures;
  figures.maxAbs = figure(json.at("max_abs"));
  figures.maxRel = figure(json.at("max_rel"));
  figures.rms = figure(json.at("rms"));
  figures.relativeRms = figure(json.at("relative_rms"));
  figures.cosine = json.at("cosine").get<double>();
  figures.worst = figure(json.at("worst"));
  readInto(json.at("elements"), figures.elements);
  readInto(json.at("over"), figures.over);
  readInto(json.at("special"), figures.special);
  readInto(json.at("index"), figures.worstIndex);
  figures.worstA = element(json.at("a"));
  figures.worstB = element(json.at("b"));
  figures.problem = json.value("problem", std::string());
  return figures;
}

ParityLayer toLayer(const Json& json) {
  ParityLayer layer;
  readInto(json.at("node"), layer.node);
  json.at("name").get_to(layer.name);
  json.at("op").get_to(layer.op);
  json.at("device_a").get_to(layer.deviceA);
  json.at("device_b").get_to(layer.deviceB);
  layer.kernelA = json.value("kernel_a", std::string());
  layer.kernelB = json.value("kernel_b", std::string());
  layer.value = json.value("value", std::string());
  layer.type = json.value("type", std::string());
  layer.shape = readOr(json, "shape", std::vector<std::int64_t>());
  layer.local = toFigures(json.at("local"));
  layer.accumulated = toFigures(json.at("accumulated"));
  layer.note = json.value("note", std::string());
  readInto(json.at("exceeds"), layer.over);
  return layer;
}

ParityOutput toOutput(const Json& json) {
  ParityOutput output;
  json.at("name").get_to(output.name);
  json.at("type").get_to(output.type);
  readInto(json.at("shape"), output.shape);
  output.compiled = toFigures(json.at("compiled"));
  output.layers = toFigures(json.at("layers"));
  output.fusionA = toFigures(json.at("fusion_a"));
  output.fusionB = toFigures(json.at("fusion_b"));
  readInto(json.at("exceeds"), output.over);
  return output;
}

Json encodeSide(const ParitySide& side) {
  Json json = side.placement ? Json{{"placement", encodePlacement(*side.placement)}} : Json{{"device", side.device}};
  if (side.precision != ParitySide().precision) json["precision"] = side.precision;
  return json;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

} // namespace

Json encodeParitySpec(const ParitySpec& spec) {
  Json json{{"a", encodeSide(spec.a)}, {"b", encodeSide(spec.b)}, {"inputs", spec.inputs}};
  if (!spec.preprocess.empty()) json["preprocess"] = spec.preprocess;
  if (spec.rtol) json["rtol"] = *spec.rtol;
  if (spec.atol) json["atol"] = *spec.atol;
  return json;
}

Result<Parity> decodeParity(const Json& json) {
  try {
    Parity parity;
    parity.model = json.value("model", std::string());
    for (auto [key, name, summary] :
         {std::tuple("a", &parity.nameA, &parity.summaryA), std::tuple("b", &parity.nameB, &parity.summaryB)}) {
      json.at(key).at("name").get_to(*name);
      json.at(key).at("summary").get_to(*summary);
    }
    parity.input = json.value("input", std::string());
    readInto(json.at("compared"), parity.compared);
    readInto(json.at("over"), parity.over);
    readInto(json.at("failed"), parity.failed);
    readInto(json.at("known"), parity.known);
    readInto(json.at("passed"), parity.passed);
    for (const Json& each : json.at("layers")) parity.layers.push_back(toLayer(each));
    for (const Json& each : json.at("outputs")) parity.outputs.push_back(toOutput(each));
    return parity;
  } catch (const nlohmann::json::exception& problem) {
    return makeError(ErrorCode::WorkerLost,
                     std::string("the engine sent something unreadable for the comparison (") + problem.what() + ")",
                     "engine worker", "start it again; if this repeats, report it");
  }
}

std::string parityCommand(const std::string& source, const ParitySpec& spec, const std::string& cores) {
  auto side = [](const ParitySide& each) {
    const std::string precision = each.precision == ParitySide().precision ? "" : ",precision=" + each.precision;
    return (each.placement ? each.placementFile : each.device) + precision;
  };
  std::string command =
      "tandem verify --against-device " + shellQuote(side(spec.a) + "," + side(spec.b)) + " " + shellQuote(source);
  if (!cores.empty()) command += " --cores " + shellQuote(cores);
  if (spec.rtol) command += " --rtol " + number(*spec.rtol);
  if (spec.atol) command += " --atol " + number(*spec.atol);
  if (!spec.preprocess.empty()) command += " --preprocess " + shellQuote(spec.preprocess);
  if (!spec.inputs.empty()) {
    command += " --input";
    for (const std::string& input : spec.inputs) command += " " + shellQuote(input);
  }
  return command;
}

} // namespace tandem::session
