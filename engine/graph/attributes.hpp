// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tandem {

class Graph;

/// One attribute value, as ONNX's AttributeProto: a number, a text, a tensor, a subgraph, or a list of numbers/texts.
using Attribute = std::variant<std::int64_t, float, std::string, Tensor, std::shared_ptr<const Graph>,
                               std::vector<std::int64_t>, std::vector<float>, std::vector<std::string>>;

/// A node's attributes by name; small, kept in file order.
class Attributes {
 public:
  void set(std::string name, Attribute value);
  const Attribute* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  void erase(std::string_view name);

  /// The value, or `fallback` where absent or of another type (verify() has checked types of known operators).
  std::int64_t getInt(std::string_view name, std::int64_t fallback) const;
  float getFloat(std::string_view name, float fallback) const;
  std::string_view getString(std::string_view name, std::string_view fallback) const;
  std::vector<std::int64_t> getInts(std::string_view name, std::vector<std::int64_t> fallback = {}) const;
  std::vector<float> getFloats(std::string_view name, std::vector<float> fallback = {}) const;

  auto begin() const { return m_entries.begin(); }
  auto end() const { return m_entries.end(); }
  std::size_t size() const { return m_entries.size(); }

 private:
  std::vector<std::pair<std::string, Attribute>> m_entries;
};

/// For people: "[3, 3]", "0.2", "relu", "float32 64x3x7x7", "graph with 12 nodes".
std::string describe(const Attribute& attribute);

} // namespace tandem
