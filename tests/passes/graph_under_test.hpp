// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/verify.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/passes/pass_runner.hpp"

#include <gtest/gtest.h>
#include <random>

namespace tandem::test {

/// Builds small graphs with random weights, runs them node by node with the reference kernels, and compares what they
/// compute before and after passes.
class GraphUnderTest {
 public:
  Graph graph;

  ValueId input(Shape shape, const std::string& name = "x") { return graph.addInput(name, {DataType::Float32, shape}); }
  ValueId constant(Tensor tensor) { return graph.addConstant("c" + std::to_string(m_count++), std::move(tensor)); }
  ValueId weights(Shape shape, float low = -1, float high = 1) { return constant(random(std::move(shape), low, high)); }
  ValueId ints(std::vector<std::int64_t> values) {
    return constant(Tensor::of<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())},
                                             std::span<const std::int64_t>(values)));
  }
  /// Adds a node of the newest version with one output; its name is the type and a number.
  ValueId op(const std::string& type, std::vector<ValueId> inputs,
             std::vector<std::pair<std::string, Attribute>> attributes = {}, int version = 0) {
    Node node;
    node.type = type;
    node.name = type + std::to_string(m_count++);
    const OpDef* def = findOp(node);
    EXPECT_NE(def, nullptr) << type;
    node.version = version != 0 ? version : versionFor(*def, 21);
    node.inputs = std::move(inputs);
    node.outputs = {graph.addValue({})};
    for (auto& [name, value] : attributes) node.attributes.set(name, std::move(value));
    const ValueId output = node.outputs[0];
    graph.addNode(std::move(node));
    return output;
  }
  void output(ValueId value) { graph.addOutput(value); }

  Tensor random(Shape shape, float low = -1, float high = 1) {
    Tensor tensor = Tensor::uninitialized({DataType::Float32, std::move(shape)});
    std::uniform_real_distribution<float> uniform(low, high);
    for (float& element : tensor.mutableAs<float>()) element = uniform(m_random);
    return tensor;
  }

  /// Infers shapes, rewrites a copy with every pass that is not disabled, and expects the same results on random
  /// inputs within `tolerance`, an intact graph, and origins that name nodes of the opened graph. Returns the copy.
  Graph rewritten(const PassOptions& options = {}, const PassContext& base = {}, double tolerance = 1e-5) {
    auto known = inferShapes(graph);
    EXPECT_TRUE(known.ok()) << (known.ok() ? "" : known.error().line());
    Graph copy = graph;
    resetOrigins(copy);
    PassContext context = base;
    context.known = &*known;
    auto reports = runPasses(copy, context, options);
    EXPECT_TRUE(reports.ok()) << (reports.ok() ? "" : reports.error().line());
    if (!reports.ok()) return copy;
    m_reports = *reports;
    EXPECT_TRUE(verify(copy).ok());
    expectOrigins(copy);
    expectSameResults(copy, tolerance);
    return copy;
  }

  int changesOf(std::string_view pass) const {
    for (const PassReport& report : m_reports)
      if (report.name == pass) return report.changes;
    return -1;
  }

 private:
  std::vector<Tensor> run(const Graph& which, const std::map<std::string, Tensor>& feeds) {
    std::map<ValueId, Tensor> tensors;
    for (ValueId id : which.inputs()) tensors[id] = feeds.at(which.value(id).name);
    auto tensorOf = [&](ValueId id) {
      return which.value(id).isConstant() ? which.value(id).constant : tensors.at(id);
    };
    for (NodeId id : topologicalOrder(which)) {
      const Node& node = which.node(id);
      std::vector<Tensor> inputs(node.inputs.size());
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (node.inputs[i].valid()) inputs[i] = tensorOf(node.inputs[i]);
      auto outputs = evaluate(node, inputs);
      EXPECT_TRUE(outputs.ok()) << (outputs.ok() ? "" : outputs.error().line());
      if (!outputs.ok()) return {};
      for (std::size_t i = 0; i < outputs->size(); ++i)
        if (node.outputs[i].valid()) tensors[node.outputs[i]] = (*outputs)[i];
    }
    std::vector<Tensor> results;
    for (ValueId id : which.outputs()) results.push_back(tensorOf(id));
    return results;
  }

  void expectSameResults(const Graph& copy, double tolerance) {
    ASSERT_EQ(graph.outputs().size(), copy.outputs().size());
    std::map<std::string, Tensor> feeds;
    for (ValueId id : graph.inputs()) feeds[graph.value(id).name] = random(graph.value(id).desc.shape, -3, 3);
    const auto before = run(graph, feeds), after = run(copy, feeds);
    ASSERT_EQ(before.size(), after.size());
    for (std::size_t o = 0; o < before.size(); ++o) {
      EXPECT_EQ(graph.value(graph.outputs()[o]).name, copy.value(copy.outputs()[o]).name);
      ASSERT_EQ(before[o].desc(), after[o].desc());
      ASSERT_EQ(before[o].desc(), copy.value(copy.outputs()[o]).desc);
      for (std::int64_t i = 0; i < before[o].elements(); ++i) {
        const double expected = before[o].asDouble(i);
        ASSERT_NEAR(after[o].asDouble(i), expected, tolerance * (1 + std::abs(expected)))
            << "output " << o << ", " << i;
      }
    }
  }

  void expectOrigins(const Graph& copy) const {
    std::set<NodeId> seen;
    for (const Node& node : copy.nodes()) {
      EXPECT_FALSE(node.origins.empty()) << node.name;
      for (NodeId origin : node.origins) {
        EXPECT_LT(origin.index(), graph.nodes().size());
        EXPECT_TRUE(seen.insert(origin).second) << "two nodes compute " << graph.node(origin).name;
      }
    }
  }

  std::mt19937 m_random{7};
  int m_count = 0;
  std::vector<PassReport> m_reports;
};

/// "Conv Relu ..." in topological order.
inline std::string typesOf(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) text += (text.empty() ? "" : " ") + node.type;
  return text;
}

inline const Node& onlyNode(const Graph& graph) {
  EXPECT_EQ(graph.nodes().size(), 1u) << typesOf(graph);
  return graph.nodes().front();
}

inline PassOptions without(std::initializer_list<std::string> names) {
  return PassOptions{{names.begin(), names.end()}};
}

using Ints = std::vector<std::int64_t>;

} // namespace tandem::test
