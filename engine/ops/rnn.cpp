// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/recurrent_common.hpp"

namespace tandem::ops {
namespace {

constexpr std::int64_t kGates = 1;
constexpr std::string_view kDefaults[] = {"Tanh"};

/// h = f(x W^T + h R^T + Wb + Rb)
template <class C> void step(const RecurrentCell<C>& cell, C* gates, const RecurrentState<C>& state) {
  addProduct(1, cell.hidden, cell.hidden, state.h, cell.hidden, cell.recurrence, cell.hidden, gates, cell.hidden);
  for (std::int64_t i = 0; i < cell.hidden; ++i)
    state.h[i] =
        static_cast<C>(cell.activate(0, static_cast<double>(gates[i] + cell.inputBias[i] + cell.recurrentBias[i])));
}

Result<void> infer(InferContext& context) { return inferRecurrent(context, kGates); }
double flops(const Graph& graph, const Node& node) { return recurrentFlops(graph, node, kGates); }

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const RecurrentGeometry geometry = TANDEM_TRY(
      recurrentGeometry(context.node(), kGates, x.shape(), context.input(1).shape(), context.input(2).shape()));
  TANDEM_TRY(checkRecurrentInputs(context, geometry, kGates));
  const auto activations = TANDEM_TRY(recurrentActivations(context.node(), geometry.directions, kDefaults));
  const bool known = visitCompute(
      x.type(), [&]<class C>(TypeTag<C>) { runRecurrent<C>(context, geometry, kGates, false, activations, step<C>); });
  if (!known) return context.fail("cannot compute on " + x.desc().toString());
  return {};
}

} // namespace

// ONNX RNN: version 7 drops output_sequence, 14 adds layout.
extern const OpDef kRNN = {.type = "RNN",
                           .domain = "",
                           .versions = {1, 7, 14, 22},
                           .minInputs = 3,
                           .maxInputs = 6,
                           .minOutputs = 0,
                           .maxOutputs = 2,
                           .infer = infer,
                           .flops = flops,
                           .reference = reference};

} // namespace tandem::ops
