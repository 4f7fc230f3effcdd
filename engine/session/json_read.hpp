// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <concepts>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace tandem::session {

/// get_to() for what came from outside. The library turns 1e30 or 2^40 into an int without a word, which is undefined
/// for the first and wrong for both; here every integer must be one and in range, else nlohmann::json::out_of_range.
template <class T> void readInto(const nlohmann::json& json, T& target) { json.get_to(target); }

template <std::integral T>
requires(!std::same_as<T, bool>) void readInto(const nlohmann::json& json, T& target) {
  bool fits = false;
  if (json.is_number_unsigned())
    fits = std::in_range<T>(json.get<std::uint64_t>());
  else if (json.is_number_integer())
    fits = std::in_range<T>(json.get<std::int64_t>());
  if (!fits)
    throw nlohmann::json::out_of_range::create(
        406, (json.is_number() ? json.dump() : json.type_name()) + std::string(" is no such integer"), &json);
  json.get_to(target);
}

template <class T> void readInto(const nlohmann::json& json, std::vector<T>& target) {
  if (!json.is_array()) throw nlohmann::json::type_error::create(302, "an array is expected", &json);
  target.clear();
  for (const auto& each : json) {
    T value{};
    readInto(each, value);
    target.push_back(std::move(value));
  }
}

template <class T> void readInto(const nlohmann::json& json, std::map<std::string, T>& target) {
  if (!json.is_object()) throw nlohmann::json::type_error::create(302, "an object is expected", &json);
  target.clear();
  for (const auto& [key, each] : json.items()) readInto(each, target[key]);
}

template <class T> T readAs(const nlohmann::json& json) {
  T value{};
  readInto(json, value);
  return value;
}

/// The value of `key`, or `fallback` where it is absent.
template <class T> T readOr(const nlohmann::json& json, const char* key, T fallback) {
  if (auto it = json.find(key); it != json.end()) readInto(*it, fallback);
  return fallback;
}

/// The number of a request; 0, which no request has, where the message does not say one.
inline std::uint64_t idOf(const nlohmann::json& message) {
  const auto it = message.find("id");
  return it != message.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

} // namespace tandem::session
