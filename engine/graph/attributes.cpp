// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/graph/attributes.hpp"

#include "engine/graph/graph.hpp"

#include <algorithm>
#include <charconv>

namespace tandem {
namespace {

std::string number(float value) {
  char text[32]; // as %g, but with a point in every locale
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6).ptr;
  return std::string(text, end);
}
std::string number(std::int64_t value) { return std::to_string(value); }
std::string number(const std::string& value) { return value; }

template <class T> std::string list(const std::vector<T>& values) {
  constexpr std::size_t kShown = 16;
  std::string text = "[";
  for (std::size_t i = 0; i < values.size() && i < kShown; ++i) text += (i ? ", " : "") + number(values[i]);
  if (values.size() > kShown) text += ", ... " + std::to_string(values.size()) + " in all";
  return text + "]";
}

struct Describer {
  std::string operator()(std::int64_t value) const { return number(value); }
  std::string operator()(float value) const { return number(value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const Tensor& value) const { return value.desc().toString(); }
  std::string operator()(const std::shared_ptr<const Graph>& value) const {
    return "graph with " + std::to_string(value ? value->nodes().size() : 0) + " nodes";
  }
  template <class T> std::string operator()(const std::vector<T>& values) const { return list(values); }
};

template <class T, class Fallback> Fallback getOr(const Attribute* attribute, Fallback fallback) {
  if (!attribute) return fallback;
  const T* value = std::get_if<T>(attribute);
  return value ? Fallback(*value) : fallback;
}

} // namespace

void Attributes::set(std::string name, Attribute value) {
  for (auto& [key, old] : m_entries)
    if (key == name) {
      old = std::move(value);
      return;
    }
  m_entries.emplace_back(std::move(name), std::move(value));
}

const Attribute* Attributes::find(std::string_view name) const {
  for (const auto& [key, value] : m_entries)
    if (key == name) return &value;
  return nullptr;
}

void Attributes::erase(std::string_view name) {
  std::erase_if(m_entries, [&](const auto& entry) { return entry.first == name; });
}

std::int64_t Attributes::getInt(std::string_view name, std::int64_t fallback) const {
  return getOr<std::int64_t>(find(name), fallback);
}
float Attributes::getFloat(std::string_view name, float fallback) const { return getOr<float>(find(name), fallback); }
std::string_view Attributes::getString(std::string_view name, std::string_view fallback) const {
  return getOr<std::string>(find(name), fallback);
}
std::vector<std::int64_t> Attributes::getInts(std::string_view name, std::vector<std::int64_t> fallback) const {
  return getOr<std::vector<std::int64_t>>(find(name), std::move(fallback));
}
std::vector<float> Attributes::getFloats(std::string_view name, std::vector<float> fallback) const {
  return getOr<std::vector<float>>(find(name), std::move(fallback));
}

std::string describe(const Attribute& attribute) { return std::visit(Describer{}, attribute); }

} // namespace tandem
