// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernels/conv_form.hpp"
#include "engine/devices/cpu/layout.hpp"
#include "engine/devices/cpu/weights.hpp"
#include "engine/graph/graph.hpp"

namespace tandem::cpu {

/// The memory of one step in one instance. Valid as long as the instance.
struct Binding {
  std::vector<void*> inputs;  ///< one per node input; nullptr where left out or taken in at compile time
  std::vector<void*> outputs; ///< one per node output; nullptr where nobody wants it
  void* scratch = nullptr;
  dnnl::stream stream;
};

/// A kernel with its pointers: what an instance runs. Used by one thread at a time.
class Step {
 public:
  virtual ~Step() = default;
  virtual Result<void> run() = 0;
};

/// Everything prepared for one node of a program. Immutable; shared by the program's instances.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual std::unique_ptr<Step> bind(const Binding& binding) const = 0;
};

/// How a kernel wants one input of its node.
struct InputNeed {
  bool used = true; ///< false: the kernel took a constant in at compile time, or does not read the input
  Layout layout;
};

/// A factory's answer: the kernel and what the program has to arrange around it.
struct KernelPlan {
  static constexpr int kNone = -1;

  std::string name; ///< as KernelInfo::kernel
  bool isReference = false;
  std::shared_ptr<const Kernel> kernel; ///< empty for views
  std::vector<InputNeed> inputs;        ///< one per node input
  std::vector<Layout> outputs;          ///< one per node output
  std::int64_t scratchBytes = 0;
  std::vector<int> overwrites; ///< output 0 may use the memory of one of these inputs where nobody needs it later
  int accumulates = kNone;     ///< output 0 must hold the elements of this input before the kernel runs
  int viewOf = kNone;          ///< output 0 is this input's memory under another shape; plain unless shapes agree
};

/// One node as factories see it: descs are static, layouts are those the values have at this point of the program.
class NodeView {
 public:
  NodeView(const Graph& graph, NodeId id, std::vector<Layout> inputLayouts, bool compiled, int threads,
           WeightStore& weights, const ConvChoice& convChoice)
      : m_graph(graph),
        m_id(id),
        m_layouts(std::move(inputLayouts)),
        m_compiled(compiled),
        m_threads(threads),
        m_weights(weights),
        m_convChoice(convChoice) {}

  const Graph& graph() const { return m_graph; }
  NodeId id() const { return m_id; }
  const Node& node() const { return m_graph.node(m_id); }
  const Attributes& attributes() const { return node().attributes; }
  int version() const { return node().version; }
  std::size_t inputCount() const { return node().inputs.size(); }
  std::size_t outputCount() const { return node().outputs.size(); }
  bool hasInput(std::size_t index) const { return index < inputCount() && node().inputs[index].valid(); }
  bool wantsOutput(std::size_t index) const { return index < outputCount() && node().outputs[index].valid(); }
  const TensorDesc& input(std::size_t index) const { return m_graph.value(node().inputs[index]).desc; }
  const TensorDesc& output(std::size_t index) const { return m_graph.value(node().outputs[index]).desc; }
  /// The elements of a constant input; nullptr where it is computed or left out.
  const Tensor* constant(std::size_t index) const {
    if (!hasInput(index)) return nullptr;
    const Value& value = m_graph.value(node().inputs[index]);
    return value.isConstant() ? &value.constant : nullptr;
  }
  const Layout& layout(std::size_t index) const { return m_layouts[index]; }
  bool compiled() const { return m_compiled; }
  int threads() const { return m_threads; }
  WeightStore& weights() const { return m_weights; }
  /// How the program wants a convolution computed, where it can.
  const ConvChoice& convChoice() const { return m_convChoice; }

  bool allFloat() const; ///< every present input and output is float32 and has elements
  /// A plan with every input and output in plain layout.
  KernelPlan plainPlan(std::string name) const;

 private:
  const Graph& m_graph;
  NodeId m_id;
  std::vector<Layout> m_layouts;
  bool m_compiled;
  int m_threads;
  WeightStore& m_weights;
  ConvChoice m_convChoice;
};

/// Nullopt: this kernel does not fit the node, ask the next one. dnnl::error counts as that, too.
using KernelFactory = std::optional<KernelPlan> (*)(const NodeView&);

/// The factories for an operator in order of preference; the reference kernel is not among them.
std::span<const KernelFactory> kernelsFor(std::string_view domain, std::string_view type);

/// Wraps a function object `Result<void>()` or `void()` made by `make(binding)`, so that simple kernels need no
/// classes.
template <class Make> std::shared_ptr<const Kernel> makeKernel(Make make) {
  using Function = decltype(make(std::declval<const Binding&>()));
  struct FunctionStep final : Step {
    explicit FunctionStep(Function f) : function(std::move(f)) {}
    Result<void> run() override {
      if constexpr (std::is_void_v<decltype(function())>) {
        function();
        return {};
      } else {
        return function();
      }
    }
    Function function;
  };
  struct FunctionKernel final : Kernel {
    explicit FunctionKernel(Make m) : make(std::move(m)) {}
    std::unique_ptr<Step> bind(const Binding& binding) const override {
      return std::make_unique<FunctionStep>(make(binding));
    }
    Make make;
  };
  return std::make_shared<FunctionKernel>(std::move(make));
}

} // namespace tandem::cpu
