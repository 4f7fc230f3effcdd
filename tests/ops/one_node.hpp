// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {

/// A graph with one node, to infer and to run.
class OneNode {
 public:
  explicit OneNode(std::string type, int version, std::string domain = {});

  OneNode& input(Tensor tensor);              ///< known at run time only
  OneNode& constant(Tensor tensor);           ///< known to shape inference
  OneNode& input(DataType type, Shape shape); ///< for infer() only; may have unknown dims
  OneNode& unknownRank(DataType type);        ///< for infer() only
  OneNode& left();                            ///< an optional input left out
  OneNode& outputs(std::size_t count);        ///< one by default
  OneNode& set(std::string name, Attribute attribute);

  /// Inferred values of the outputs.
  Result<std::vector<Value>> infer() const;
  /// What the reference kernel computes. Fails the test where inference contradicts it.
  Result<std::vector<Tensor>> run() const;
  double flops() const;

 private:
  Graph build() const;

  struct Operand {
    bool present = true;
    bool rankKnown = true;
    bool isConstant = false;
    TensorDesc desc;
    Tensor tensor;
  };
  Node m_node;
  std::vector<Operand> m_operands;
  std::size_t m_outputs = 1;
};

/// 0, 1, 2, ... as float.
Tensor counting(Shape shape, float first = 0);
Tensor filled(Shape shape, float value);
inline Tensor floats(Shape shape, std::initializer_list<float> values) {
  return Tensor::of<float>(std::move(shape), values);
}
inline Tensor ints(std::initializer_list<std::int64_t> values) {
  return Tensor::of<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())}, values);
}

/// Type float, the shape, and every element within 1e-5 (absolute and relative).
void expectFloats(const Result<std::vector<Tensor>>& results, Shape shape, std::vector<float> values,
                  std::size_t index = 0);
/// It failed, and the message holds `part`.
template <class T> void expectError(const Result<T>& result, const std::string& part) {
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().line(), testing::HasSubstr(part));
}

} // namespace tandem
