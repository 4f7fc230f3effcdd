// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/scenario.hpp"

#include <charconv>
#include <cmath>

namespace tandem {
namespace {

constexpr int kMaxCount = 10'000'000;
constexpr double kMaxRate = 1e7;

template <class T> bool readNumber(std::string_view text, T& number) {
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  return status == std::errc() && end == text.data() + text.size();
}

Error unknown(std::string_view text) {
  return makeError(ErrorCode::Usage, "unknown scenario '" + std::string(text) + "'", "--scenario",
                   "one of single-stream, multi-stream:K, closed:N, poisson:QPS, offline:COUNT");
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
  switch (kind) {
  case Kind::SingleStream: return "single-stream";
  case Kind::MultiStream: return "multi-stream:" + std::to_string(count);
  case Kind::Closed: return "closed:" + std::to_string(count);
  case Kind::Offline: return "offline:" + std::to_string(count);
  case Kind::Poisson: break;
  }
  char text[32]; // the shortest text that reads back as the same rate, in every locale
  return "poisson:" + std::string(text, std::to_chars(text, text + sizeof text, ratePerS).ptr);
}

} // namespace tandem
