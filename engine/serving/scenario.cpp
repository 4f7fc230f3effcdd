// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/scenario.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <utility>

namespace tandem {
namespace {

constexpr int kMaxCount = 10'000'000;
constexpr double kMaxRate = 1e7;
constexpr double kMaxBoundMs = 3.6e6;
constexpr std::size_t kMaxArrivals = 10'000'000;

template <class T> bool readNumber(std::string_view text, T& number) {
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  return status == std::errc() && end == text.data() + text.size();
}

Error unknown(std::string_view text) {
  return makeError(ErrorCode::Usage, "unknown scenario '" + std::string(text) + "'", "--scenario",
                   "one of single-stream, multi-stream:K, closed:N, poisson:QPS, offline:COUNT, ramp:MS, replay:FILE");
}

} // namespace

Result<Scenario> Scenario::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view number = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  Scenario scenario;
  if (name == "single-stream" && colon == std::string_view::npos) {
    scenario.kind = Kind::SingleStream;
    return scenario;
  }
  if (name == "poisson") {
    scenario.kind = Kind::Poisson;
    if (!readNumber(number, scenario.ratePerS) || !std::isfinite(scenario.ratePerS) || scenario.ratePerS <= 0 ||
        scenario.ratePerS > kMaxRate)
      return unknown(text);
    return scenario;
  }
  if (name == "ramp") {
    scenario.kind = Kind::Ramp;
    if (!readNumber(number, scenario.boundMs) || !(scenario.boundMs > 0) || scenario.boundMs > kMaxBoundMs)
      return unknown(text);
    return scenario;
  }
  if (name == "replay" && !number.empty()) {
    scenario.kind = Kind::Replay;
    scenario.file = std::string(number);
    return scenario;
  }
  if (name == "multi-stream")
    scenario.kind = Kind::MultiStream;
  else if (name == "closed")
    scenario.kind = Kind::Closed;
  else if (name == "offline")
    scenario.kind = Kind::Offline;
  else
    return unknown(text);
  if (!readNumber(number, scenario.count) || scenario.count < 1 || scenario.count > kMaxCount) return unknown(text);
  return scenario;
}

std::string Scenario::toString() const {
  const auto shortest = [](double number) { // the shortest text that reads back as the same, in every locale
    char text[32];
    return std::string(text, std::to_chars(text, text + sizeof text, number).ptr);
  };
  switch (kind) {
  case Kind::SingleStream: return "single-stream";
  case Kind::MultiStream: return "multi-stream:" + std::to_string(count);
  case Kind::Closed: return "closed:" + std::to_string(count);
  case Kind::Offline: return "offline:" + std::to_string(count);
  case Kind::Poisson: return "poisson:" + shortest(ratePerS);
  case Kind::Ramp: return "ramp:" + shortest(boundMs);
  case Kind::Replay: return "replay:" + file;
  }
  return {};
}

Result<std::vector<double>> readArrivals(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) return makeError(ErrorCode::InputRejected, "the file cannot be opened", file, "check its name");
  std::vector<double> times;
  int lineNumber = 0;
  bool isFirst = true;
  for (std::string line; std::getline(stream, line);) {
    ++lineNumber;
    std::string_view text = std::string_view(line).substr(0, line.find('#'));
    text = text.substr(0, text.find_first_of(",;\t"));
    while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    if (text.empty()) continue;
    double seconds = 0;
    const bool isNumber = readNumber(text, seconds) && std::isfinite(seconds);
    if (!isNumber && !std::exchange(isFirst, false))
      return makeError(ErrorCode::InputRejected, "'" + std::string(text.substr(0, 40)) + "' is no time in seconds",
                       file + ", line " + std::to_string(lineNumber), "one arrival time per line, for example 0.25");
    isFirst = false;
    if (!isNumber) continue; // a heading
    if (times.size() == kMaxArrivals)
      return makeError(ErrorCode::InputRejected, "more than 10,000,000 arrivals", file, "split the file");
    times.push_back(seconds);
  }
  if (times.empty())
    return makeError(ErrorCode::InputRejected, "there is no arrival time in it", file, "one per line, in seconds");
  std::sort(times.begin(), times.end());
  const double first = times.front();
  for (double& time : times) time -= first;
  return times;
}

} // namespace tandem
