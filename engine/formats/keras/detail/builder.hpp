// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>

namespace tandem::detail {

using Ints = std::vector<std::int64_t>;

/// The tensor between two Keras layers. It exists as Keras has it, or with its channels in second place as ONNX wants
/// them, or both: layers take the form that they like best, and a Transpose is made only where that form is missing.
/// So a chain of convolutions in channels_last has no Transpose but the one at its beginning.
struct KerasTensor {
  Ints shape; ///< as Keras has it, with the batch; -1 where unknown
  DataType type = DataType::Float32;
  ValueId plain;                     ///< in Keras's order; may be invalid
  ValueId channelsFirst;             ///< [N, C, ...] for a plain [N, ..., C]; may be invalid
  std::shared_ptr<KerasTensor> mask; ///< Bool [N, T]: which steps count; null for all

  std::size_t rank() const { return shape.size(); }
  bool isChannelsFirst() const { return channelsFirst.valid(); }
};
using TensorPtr = std::shared_ptr<KerasTensor>;

/// Adds nodes of the default domain to a graph, in the scope of the layer being built. Throws KerasError where the
/// graph grows beyond its limit.
class Builder {
 public:
  explicit Builder(Graph& graph) : m_graph(graph) {}
  Graph& graph() { return m_graph; }
  /// Of the Keras that wrote the file: a few functions changed their meaning with version 3.
  int kerasMajor = 3;
  bool hasWeight(const std::string& name) const { return m_weights.contains(m_scope + "/" + name); }

  /// Nodes and weights made until the end of the block belong to this layer: `auto scope = builder.enter("conv1");`
  class Scope {
   public:
    Scope(Builder& builder, const std::string& layer) : m_builder(builder), m_outer(builder.m_scope) {
      builder.m_scope += (builder.m_scope.empty() ? "" : "/") + layer;
    }
    ~Scope() { m_builder.m_scope = m_outer; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Builder& m_builder;
    std::string m_outer;
  };
  [[nodiscard]] Scope enter(const std::string& layer) { return {*this, layer}; }
  const std::string& scope() const { return m_scope; }

  /// Attributes of one node, in a form that reads well: `{{"axis", 1}, {"perm", Ints{0, 2, 1}}}`.
  struct Attribute {
    Attribute(const char* key, int v) : name(key), value(std::int64_t{v}) {}
    Attribute(const char* key, std::int64_t v) : name(key), value(v) {}
    Attribute(const char* key, float v) : name(key), value(v) {}
    Attribute(const char* key, double v) : name(key), value(static_cast<float>(v)) {}
    Attribute(const char* key, const char* v) : name(key), value(std::string(v)) {}
    Attribute(const char* key, std::string v) : name(key), value(std::move(v)) {}
    Attribute(const char* key, Ints v) : name(key), value(std::move(v)) {}
    Attribute(const char* key, std::vector<float> v) : name(key), value(std::move(v)) {}
    Attribute(const char* key, std::vector<std::string> v) : name(key), value(std::move(v)) {}
    std::string name;
    tandem::Attribute value;
  };
  using AttributeList = std::vector<Attribute>;

  ValueId node(const std::string& type, std::vector<ValueId> inputs, AttributeList attributes = {});
  /// The same with several outputs; `wanted[i]` false leaves output i out.
  std::vector<ValueId> nodes(const std::string& type, std::vector<ValueId> inputs, const std::vector<bool>& wanted,
                             AttributeList attributes = {});

  /// A weight of the current layer, made at the first use of `name` in this layer.
  ValueId weight(const std::string& name, const std::function<Tensor()>& make);
  /// Small constants; equal ones are shared among all layers.
  ValueId ints(const Ints& values); ///< int64 [n]
  ValueId scalar(float value);      ///< float32, no dimensions
  ValueId intScalar(std::int64_t value, DataType type = DataType::Int64);

  TensorPtr plain(ValueId value, Ints shape, DataType type = DataType::Float32);
  /// From a value [N, C, ...] with the Keras shape [N, ..., C].
  TensorPtr channelsFirst(ValueId value, Ints kerasShape, DataType type = DataType::Float32);
  /// The value in Keras's order, made if need be.
  ValueId plainOf(KerasTensor& tensor);
  /// The value with its channels in second place, made if need be; ranks 3 to 5.
  ValueId channelsFirstOf(KerasTensor& tensor);

  ValueId transpose(ValueId value, const Ints& permutation) {
    return node("Transpose", {value}, {{"perm", permutation}});
  }
  /// Reshape by ONNX's rules: 0 copies a dimension, -1 is what remains.
  ValueId reshape(ValueId value, const Ints& shape) { return node("Reshape", {value, ints(shape)}); }
  ValueId cast(ValueId value, DataType type) { return node("Cast", {value}, {{"to", static_cast<int>(type)}}); }
  ValueId unsqueeze(ValueId value, const Ints& axes) { return node("Unsqueeze", {value, ints(axes)}); }
  ValueId squeeze(ValueId value, const Ints& axes) { return node("Squeeze", {value, ints(axes)}); }
  /// Elements begin, begin + step, ... below end of one axis.
  ValueId slice(ValueId value, std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1);
  /// One element of the shape of `value`, as int64 [1].
  ValueId dimension(ValueId value, std::int64_t axis);
  ValueId concat(std::vector<ValueId> values, std::int64_t axis);

  /// A name that no node and no value made here has: `base`, or `base` with a number.
  std::string reserveName(const std::string& base);

 private:
  std::string uniqueName(const std::string& base) { return reserveName(base); }

  Graph& m_graph;
  std::string m_scope;
  std::unordered_set<std::string> m_names;
  std::unordered_map<std::string, int> m_uses;
  std::unordered_map<std::string, ValueId> m_weights; ///< by scope and name
  std::map<Ints, ValueId> m_ints;
  std::map<std::uint32_t, ValueId> m_scalars; ///< by bit pattern
  std::map<std::pair<std::int64_t, int>, ValueId> m_intScalars;
};

/// The permutation that brings the channels of a tensor of this rank from the last place to the second, and back.
Ints toChannelsFirst(std::size_t rank);
Ints toChannelsLast(std::size_t rank);
/// "?x224x224x3"
std::string shapeText(const Ints& shape);

} // namespace tandem::detail
