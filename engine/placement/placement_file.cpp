// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/placement_file.hpp"

#include "engine/base/atomic_file.hpp"
#include "engine/base/printable.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace tandem {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "tandem-placement";
constexpr int kVersion = 1;
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxEntries = 200'000; // as many as a model may have nodes
constexpr std::size_t kMaxRules = 10'000;
constexpr std::size_t kMaxDeviceLength = 200;
constexpr std::size_t kNamedInWarnings = 5;

Error rejected(std::string message, const std::string& where,
               std::string hint = "save the placement again from Tandem, or correct the file") {
  return makeError(ErrorCode::InputRejected, std::move(message), where, std::move(hint));
}

bool isTooDeep(std::string_view text) {
  int depth = 0;
  bool inString = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inString) {
      if (c == '\\') ++i;
      if (c == '"') inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

Result<Json> parseJson(std::string_view text, const std::string& where) {
  if (text.size() > static_cast<std::size_t>(kMaxPlacementFileBytes))
    return rejected("the file is larger than any placement", where, "choose a *.placement.json file");
  if (isTooDeep(text)) return rejected("the JSON is nested too deeply", where);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    return rejected("not valid JSON at byte " + std::to_string(error.byte), where);
  } catch (const std::exception& error) {
    return rejected(std::string("the JSON cannot be read: ") + error.what(), where);
  }
}

/// Checks what makes the file ours. The version comes first: whatever else a newer file holds is not ours to judge.
Result<void> checkHeader(const Json& json, const std::string& where) {
  if (!json.is_object()) return rejected("not a placement: the file does not hold an object", where);
  auto format = json.find("format");
  if (format == json.end() || !format->is_string() || *format != kFormat)
    return rejected("not a placement: \"format\" is not \"tandem-placement\"", where, "choose a *.placement.json file");
  auto version = json.find("version");
  if (version == json.end() || !version->is_number_integer() || *version < 1)
    return rejected("\"version\" is not a positive number", where);
  if (*version > kVersion)
    return rejected("the placement is of version " + version->dump() + ", this program reads version 1", where,
                    "update Tandem; the file was not changed");
  return {};
}

Result<std::string> readDevice(const Json& json, const std::string& what, const std::string& where) {
  if (!json.is_string()) return rejected(what + " is not a text", where);
  std::string device = json.get<std::string>();
  if (device.empty() || device.size() > kMaxDeviceLength) return rejected(what + " is not a device id", where);
  return device;
}

Result<ModelIdentity> readModel(const Json& json, const std::string& where) {
  if (!json.is_object()) return rejected("\"model\" is not an object", where);
  ModelIdentity model;
  for (const auto& [key, value] : json.items()) {
    const bool text = key == "name" || key == "sha256";
    if (text && !value.is_string()) return rejected("\"model\": \"" + key + "\" is not a text", where);
    if (key == "name") model.name = value.get<std::string>();
    if (key == "sha256") model.sha256 = value.get<std::string>();
    if (key != "nodes") continue;
    if (!value.is_number_integer() || value < 0) return rejected("\"model\": \"nodes\" is not a count", where);
    model.nodes =
        value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX ? INT64_MAX : value.get<std::int64_t>();
  }
  return model;
}

Result<Placement> readRules(const Json& json, Placement placement, const std::string& where) {
  if (!json.is_array()) return rejected("\"rules\" is not a list", where);
  if (json.size() > kMaxRules) return rejected("more than 10,000 rules", where);
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string name = "rule " + std::to_string(i + 1);
    const Json& rule = json[i];
    if (!rule.is_object() || !rule.contains("match") || !rule["match"].is_string() || !rule.contains("device"))
      return rejected(name + " needs \"match\" and \"device\"", where);
    std::string device = TANDEM_TRY(readDevice(rule["device"], name + ": \"device\"", where));
    auto next = placement.withRule(rule["match"].get<std::string>(), std::move(device));
    if (!next) return rejected(next.error().message, where + ", " + next.error().where, next.error().hint);
    placement = *std::move(next);
  }
  return placement;
}

Result<Placement> readNodes(const Json& json, const Placement& placement, const std::string& where) {
  if (!json.is_object()) return rejected("\"nodes\" is not an object", where);
  if (json.size() > kMaxEntries) return rejected("more than 200,000 nodes", where);
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& [name, device] : json.items())
    entries.emplace_back(name,
                         TANDEM_TRY(readDevice(device, "the device of node '" + name.substr(0, 80) + "'", where)));
  return placement.withNodes(entries);
}

/// Readable in any language, but for characters that would act on a terminal.
std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', printable(text) != text, Json::error_handler_t::replace);
}

/// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamedInWarnings); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kNamedInWarnings) text += " and " + std::to_string(names.size() - kNamedInWarnings) + " more";
  return text;
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

Result<std::string> readFile(const std::filesystem::path& file) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(file, problem))
    return rejected("there is no such file", file.string(), "check the path");
  if (std::filesystem::file_size(file, problem) > static_cast<std::uintmax_t>(kMaxPlacementFileBytes))
    return rejected("the file is larger than any placement", file.string(), "choose a *.placement.json file");
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad() || !stream.is_open())
    return rejected("the file cannot be read", file.string(), "check its permissions");
  return text;
}

} // namespace

Result<LoadedPlacement> parsePlacement(std::string_view text, const std::string& where) {
  const Json json = TANDEM_TRY(parseJson(text, where));
  TANDEM_TRY(checkHeader(json, where));
  LoadedPlacement loaded;
  if (auto it = json.find("default"); it != json.end())
    loaded.placement = Placement(TANDEM_TRY(readDevice(*it, "\"default\"", where)));
  if (auto it = json.find("model"); it != json.end() && !it->is_null())
    loaded.placement = loaded.placement.withModel(TANDEM_TRY(readModel(*it, where)));
  if (auto it = json.find("rules"); it != json.end())
    loaded.placement = TANDEM_TRY(readRules(*it, std::move(loaded.placement), where));
  if (auto it = json.find("nodes"); it != json.end())
    loaded.placement = TANDEM_TRY(readNodes(*it, loaded.placement, where));
  const std::set<std::string_view> known{"format", "version", "model", "default", "rules", "nodes"};
  for (const auto& [key, value] : json.items())
    if (!known.contains(key)) loaded.warnings.push_back("unknown key \"" + key.substr(0, 80) + "\" in " + where);
  return loaded;
}

Result<LoadedPlacement> loadPlacement(const std::filesystem::path& file) {
  const std::string text = TANDEM_TRY(readFile(file));
  return parsePlacement(text, file.string());
}

std::string toJson(const Placement& placement) {
  const ModelIdentity& model = placement.model();
  std::string text = "{\n  \"format\": " + quoted(std::string(kFormat)) +
                     ",\n  \"version\": 1,\n  \"model\": {\"name\": " + quoted(model.name) +
                     ", \"sha256\": " + quoted(model.sha256) + ", \"nodes\": " + std::to_string(model.nodes) +
                     "},\n  \"default\": " + quoted(placement.defaultDevice()) + ",\n  \"rules\": [";
  const char* separator = "\n";
  for (const PlacementRule& rule : placement.rules()) {
    text += separator;
    text += "    {\"match\": " + quoted(rule.match) + ", \"device\": " + quoted(rule.device) + "}";
    separator = ",\n";
  }
  text += placement.rules().empty() ? "],\n  \"nodes\": {" : "\n  ],\n  \"nodes\": {";
  separator = "\n";
  for (const auto& [name, device] : placement.nodes()) {
    text += separator;
    text += "    " + quoted(name) + ": " + quoted(device);
    separator = ",\n";
  }
  text += placement.nodes().empty() ? "}\n}\n" : "\n  }\n}\n";
  return text;
}

Result<void> savePlacement(const Placement& placement, const std::filesystem::path& file) {
  if (std::error_code problem; std::filesystem::is_regular_file(file, problem)) {
    // Only a newer version is protected; a damaged or foreign file the user chose to replace is not.
    auto old = readFile(file);
    auto json = old ? parseJson(*old, file.string()) : Result<Json>(old.error());
    if (json && json->is_object() && json->value("format", Json()) == kFormat &&
        json->value("version", Json()).is_number_integer() && json->value("version", Json()) > kVersion)
      return makeError(ErrorCode::OutputFailed, "the file holds a placement of a newer version", file.string(),
                       "save under another name, or update Tandem");
  }
  return writeFileAtomically(file, toJson(placement));
}

PlacementCheck checkPlacement(const Placement& placement, const Graph& graph, const ModelIdentity& model,
                              std::span<const std::string> deviceIds) {
  PlacementCheck check;
  const ModelIdentity& made = placement.model();
  const bool bothHashed = !made.sha256.empty() && !model.sha256.empty();
  const bool bothNamed = !made.name.empty() && !model.name.empty();
  check.otherModel = bothHashed ? made.sha256 != model.sha256 : bothNamed && made.name != model.name;
  if (check.otherModel)
    check.warnings.push_back("the placement was made for '" + made.name + "' (" + std::to_string(made.nodes) +
                             " nodes), this is '" + model.name + "' (" + std::to_string(model.nodes) + " nodes)" +
                             (made.name == model.name ? " with other contents" : ""));

  std::set<std::string_view> names;
  std::vector<bool> used(placement.rules().size(), false);
  for (std::uint32_t n = 0; n < graph.nodes().size(); ++n) {
    if (graph.isDead(NodeId(n))) continue;
    const Node& node = graph.node(NodeId(n));
    names.insert(node.name);
    for (std::size_t r = 0; r < used.size(); ++r) used[r] = used[r] || placement.rules()[r].pattern.matches(node);
  }
  for (const auto& [name, device] : placement.nodes())
    if (!names.contains(name)) check.missingNodes.push_back(name);
  for (std::size_t r = 0; r < used.size(); ++r)
    if (!used[r]) check.idleRules.push_back(placement.rules()[r].match);
  for (const std::string& device : placement.devices())
    if (std::find(deviceIds.begin(), deviceIds.end(), device) == deviceIds.end())
      check.unknownDevices.push_back(device);

  if (!check.missingNodes.empty())
    check.warnings.push_back(counted(check.missingNodes.size(), "node", "nodes") +
                             " of the placement not in this model: " + listed(check.missingNodes));
  if (!check.idleRules.empty())
    check.warnings.push_back(counted(check.idleRules.size(), "rule matches", "rules match") +
                             " no node: " + listed(check.idleRules));
  if (!check.unknownDevices.empty())
    check.warnings.push_back(counted(check.unknownDevices.size(), "device", "devices") +
                             " not on this machine: " + listed(check.unknownDevices));
  return check;
}

} // namespace tandem
