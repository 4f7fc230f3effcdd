// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/route.hpp"

#include <charconv>
#include <cmath>

namespace tandem {
namespace {

constexpr double kMaxSloMs = 3.6e6;

Error unknownRoute(std::string_view text) {
  return makeError(ErrorCode::Usage, "unknown routing '" + std::string(text) + "'", "--route",
                   "one of round-robin, least-loaded, size:N, size:auto, predicted-finish, split, slo:MS, pinned:NAME");
}

template <class T> bool readNumber(std::string_view text, T& number) {
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  return status == std::errc() && end == text.data() + text.size();
}

} // namespace

Result<Route> Route::parse(std::string_view text) {
  Route route;
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (name == "size") {
    route.kind = Kind::Size;
    route.size = 0;
    if (rest != "auto" && (!readNumber(rest, route.size) || route.size < 1)) return unknownRoute(text);
    return route;
  }
  if (name == "slo") {
    route.kind = Kind::Slo;
    if (!readNumber(rest, route.sloMs) || !(route.sloMs > 0) || route.sloMs > kMaxSloMs) return unknownRoute(text);
    return route;
  }
  if (name == "pinned" && !rest.empty()) {
    route.kind = Kind::Pinned;
    route.name = std::string(rest);
    return route;
  }
  if (colon != std::string_view::npos) return unknownRoute(text);
  if (name == "round-robin")
    route.kind = Kind::RoundRobin;
  else if (name == "least-loaded")
    route.kind = Kind::LeastLoaded;
  else if (name == "predicted-finish")
    route.kind = Kind::PredictedFinish;
  else if (name == "split")
    route.kind = Kind::Split;
  else
    return unknownRoute(text);
  return route;
}

std::string Route::toString() const {
  switch (kind) {
  case Kind::RoundRobin: return "round-robin";
  case Kind::LeastLoaded: return "least-loaded";
  case Kind::Size: return "size:" + (size > 0 ? std::to_string(size) : "auto");
  case Kind::PredictedFinish: return "predicted-finish";
  case Kind::Split: return "split";
  case Kind::Slo: {
    char text[32]; // the shortest text that reads back as the same bound, in every locale
    return "slo:" + std::string(text, std::to_chars(text, text + sizeof text, sloMs).ptr);
  }
  case Kind::Pinned: return "pinned:" + name;
  }
  return {};
}

} // namespace tandem
