// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/specs.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tandem::cli {
namespace {

constexpr std::size_t kMaxPlacementBytes = std::size_t{64} << 20;

template <class T> bool readNumber(std::string_view text, T& number) {
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  return status == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

Error badReplica(const std::string& text, const std::string& what) {
  return makeError(ErrorCode::Usage, what + " in the replica '" + text + "'", "--replica",
                   "for example CPU:0,threads=1,streams=2,batch=8,name=small or OPENCL-CPU:0,precision=float16");
}

} // namespace

Result<std::string> readFile(const std::string& file, std::size_t maxBytes) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return makeError(ErrorCode::InputRejected, "the file cannot be opened", file, "check its name");
  std::string text(maxBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > maxBytes)
    return makeError(ErrorCode::InputRejected, "the file is too large", file, "is it the right one?");
  return text;
}

Result<Json> readPlacementFile(const std::string& file) {
  const std::string text = TANDEM_TRY(readFile(file, kMaxPlacementBytes));
  return session::parseJson(text, file);
}

Result<session::ReplicaSpec> parseReplica(const std::string& text) {
  const std::vector<std::string> parts = split(text, ',');
  session::ReplicaSpec replica;
  if (parts.empty() || parts[0].empty()) return badReplica(text, "no device");
  if (parts[0].ends_with(".json")) {
    replica.placementFile = parts[0];
    const Json json = TANDEM_TRY(readPlacementFile(parts[0]));
    auto placement = session::decodePlacement(json);
    if (!placement)
      return makeError(ErrorCode::InputRejected, "this is not a placement file", parts[0], "export it again");
    replica.placement = *placement;
  } else {
    replica.device = parts[0];
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    const std::string key = parts[i].substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : parts[i].substr(equals + 1);
    if (key == "name" && !value.empty()) {
      replica.name = value;
      continue;
    }
    if (key == "delay_ms" || key == "target_ms") {
      double& milliseconds = key == "delay_ms" ? replica.delayMs : replica.targetMs;
      if (!readNumber(std::string_view(value), milliseconds) || !(milliseconds >= 0))
        return badReplica(text, "'" + value + "' is no time in milliseconds");
      continue;
    }
    if (key == "preferred") {
      for (const std::string& part : split(value, '/'))
        if (int size = 0; readNumber(std::string_view(part), size) && size > 0)
          replica.preferred.push_back(size);
        else
          return badReplica(text, "'" + value + "' are no batch sizes such as 4/8");
      continue;
    }
    if (key == "candidates") {
      if (value.empty()) return badReplica(text, "no devices are named, such as candidates=CPU:0/GPU:0");
      for (const std::string& part : split(value, '/'))
        if (!part.empty())
          replica.candidates.push_back(part);
        else
          return badReplica(text, "'" + value + "' are no devices such as CPU:0/GPU:0");
      continue;
    }
    if (key == "precision") {
      if (value != "model" && value != "float16")
        return badReplica(text, "precision '" + value + "' is neither model nor float16");
      replica.precision = value;
      continue;
    }
    int* target = key == "threads"   ? &replica.threads
                  : key == "streams" ? &replica.streams
                  : key == "batch"   ? &replica.batch
                                     : nullptr;
    if (!target) return badReplica(text, "unknown option '" + key + "'");
    if (!readNumber(std::string_view(value), *target) || *target < 0)
      return badReplica(text, "'" + value + "' is no number");
  }
  return replica;
}

Result<session::RunChange> parseChange(const std::string& text) {
  const auto bad = [&](const std::string& what) {
    return makeError(ErrorCode::Usage, what + " in the change '" + text + "'", "--at",
                     "for example \"3 add GPU:0,name=b\", \"6 remove b\", \"6 replace b CPU:0,threads=1\", \"8 route "
                     "round-robin\"");
  };
  const std::vector<std::string> words = split(text, ' ');
  session::RunChange change;
  if (words.size() < 3) return bad("something is missing");
  if (!readNumber(std::string_view(words[0]), change.atS) || !(change.atS >= 0)) return bad("no time in seconds");
  change.action = words[1];
  const bool hasReplica = change.action == "add" || change.action == "replace";
  const std::size_t expected = change.action == "replace" ? 4 : 3;
  if (!hasReplica && change.action != "remove" && change.action != "route") return bad("unknown action");
  if (words.size() != expected) return bad("something is missing or too much");
  if (hasReplica) change.replica = TANDEM_TRY(parseReplica(words.back()));
  if (change.action == "remove" || change.action == "replace") change.name = words[2];
  if (change.action == "route") change.route = words[2];
  return change;
}

Result<std::vector<int>> parseBatches(const std::string& text) {
  std::vector<int> batches;
  for (const std::string& part : split(text, ',')) {
    int batch = 0;
    if (!readNumber(std::string_view(part), batch) || batch < 1)
      return makeError(ErrorCode::Usage, "'" + part + "' is no request size", "--batch", "for example --batch 1,8");
    batches.push_back(batch);
  }
  return batches;
}

Result<void> addPlacement(Json& params, const std::string& device, const std::string& placementFile) {
  if (!device.empty() && !placementFile.empty())
    return makeError(ErrorCode::Usage, "--device and --placement exclude each other", {}, "give one of them");
  if (!placementFile.empty())
    params["placement"] = TANDEM_TRY(readPlacementFile(placementFile));
  else if (!device.empty())
    params["device"] = device;
  return {};
}

Result<std::map<std::string, std::int64_t>> parseDims(const std::vector<std::string>& texts) {
  std::map<std::string, std::int64_t> dims;
  for (const std::string& text : texts) {
    const std::size_t equals = text.rfind('=');
    std::int64_t size = 0;
    if (equals == std::string::npos || equals == 0 || !readNumber(std::string_view(text).substr(equals + 1), size))
      return makeError(ErrorCode::Usage, "cannot read the size '" + text + "'", "--dim",
                       "write KEY=SIZE, for example --dim tokens=128; tandem inspect MODEL shows the keys");
    dims[text.substr(0, equals)] = size;
  }
  return dims;
}

Result<Json> parseMemoryLimits(const std::vector<std::string>& texts) {
  struct Unit {
    std::string_view suffix;
    std::int64_t factor;
  };
  constexpr std::array kUnits{Unit{"KiB", std::int64_t{1} << 10},
                              Unit{"MiB", std::int64_t{1} << 20},
                              Unit{"GiB", std::int64_t{1} << 30},
                              Unit{"kB", 1'000},
                              Unit{"MB", 1'000'000},
                              Unit{"GB", 1'000'000'000},
                              Unit{"", 1}};
  Json limits = Json::object();
  for (const std::string& text : texts) {
    const std::size_t equals = text.rfind('=');
    const std::string size = equals == std::string::npos ? "" : text.substr(equals + 1);
    double value = -1;
    for (const Unit& unit : kUnits) {
      if (!size.ends_with(unit.suffix)) continue;
      if (!readNumber(std::string_view(size).substr(0, size.size() - unit.suffix.size()), value))
        value = -1;
      else
        value *= static_cast<double>(unit.factor);
      break;
    }
    constexpr double kTooMany = 9223372036854775808.0; // 2^63
    if (!(value >= 0) || value >= kTooMany)
      return makeError(ErrorCode::Usage, "cannot read the memory limit '" + text + "'", "--memory-limit",
                       "for example --memory-limit CPU:0=2GiB");
    limits[text.substr(0, equals)] = static_cast<std::int64_t>(value);
  }
  return limits;
}

} // namespace tandem::cli
