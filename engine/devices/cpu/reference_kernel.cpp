// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/reference_kernel.hpp"

#include <cstring>
#include <new>

namespace tandem::cpu {
namespace {

/// Node and descs are copied: the program may outlive the graph.
struct ReferenceNode {
  Node node;
  const OpDef* def = nullptr;
  std::vector<TensorDesc> inputs;
  std::vector<TensorDesc> outputs;
};

class ReferenceStep final : public Step, private ReferenceContext {
 public:
  ReferenceStep(std::shared_ptr<const ReferenceNode> node, const Binding& binding) : m_node(std::move(node)) {
    m_inputs.resize(m_node->inputs.size());
    for (std::size_t i = 0; i < m_inputs.size(); ++i)
      if (hasInput(i)) m_inputs[i] = Tensor::wrap(m_node->inputs[i], binding.inputs[i], nullptr);
    m_outputs.resize(m_node->outputs.size());
    for (std::size_t i = 0; i < m_outputs.size(); ++i)
      if (wantsOutput(i)) m_outputs[i] = Tensor::wrap(m_node->outputs[i], binding.outputs[i], nullptr);
  }

  Result<void> run() override {
    m_mismatch.reset();
    try {
      TANDEM_TRY(m_node->def->reference(*this));
    } catch (const std::bad_alloc&) {
      return makeError(ErrorCode::DeviceFailed, "not enough memory on the host", m_node->node.name,
                       "use smaller inputs or a smaller batch");
    }
    if (m_mismatch) return *m_mismatch;
    return {};
  }

 private:
  const Node& node() const override { return m_node->node; }
  const Tensor& input(std::size_t index) const override { return m_inputs[index]; }
  Tensor output(std::size_t index, DataType type, const Shape& shape) override {
    if (m_outputs[index].type() == type && m_outputs[index].shape() == shape) return m_outputs[index];
    // The plan came from shape inference; a kernel that disagrees writes elsewhere and the run fails.
    m_mismatch = makeError(ErrorCode::DeviceFailed,
                           "the result is " + TensorDesc{type, shape}.toString() + " where " +
                               m_outputs[index].desc().toString() + " was inferred",
                           m_node->node.name, "check the values of the inputs that give shapes");
    return Tensor::uninitialized({type, shape});
  }

  std::shared_ptr<const ReferenceNode> m_node;
  std::vector<Tensor> m_inputs;
  std::vector<Tensor> m_outputs;
  std::optional<Error> m_mismatch;
};

class ReferenceKernel final : public Kernel {
 public:
  explicit ReferenceKernel(std::shared_ptr<const ReferenceNode> node) : m_node(std::move(node)) {}
  std::unique_ptr<Step> bind(const Binding& binding) const override {
    return std::make_unique<ReferenceStep>(m_node, binding);
  }

 private:
  std::shared_ptr<const ReferenceNode> m_node;
};

} // namespace

KernelPlan referencePlan(const NodeView& view, const OpDef& def) {
  auto node = std::make_shared<ReferenceNode>();
  node->node = view.node();
  node->def = &def;
  for (std::size_t i = 0; i < view.inputCount(); ++i)
    node->inputs.push_back(view.hasInput(i) ? view.input(i) : TensorDesc{});
  for (std::size_t i = 0; i < view.outputCount(); ++i)
    node->outputs.push_back(view.wantsOutput(i) ? view.output(i) : TensorDesc{});
  KernelPlan plan = view.plainPlan("reference");
  plan.isReference = true;
  plan.kernel = std::make_shared<ReferenceKernel>(std::move(node));
  return plan;
}

} // namespace tandem::cpu
