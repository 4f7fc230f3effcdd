// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/recurrent_common.hpp"

namespace tandem::ops {
namespace {

constexpr std::int64_t kGates = 4; // i (input), o (output), f (forget), c (cell)
constexpr std::string_view kDefaults[] = {"Sigmoid", "Tanh", "Tanh"};

/// ONNX's equations, with peepholes P in the order i, o, f; the output gate looks at the new cell state.
template <class C>
void step(const RecurrentCell<C>& cell, C* gates, const RecurrentState<C>& state, bool couplesForget) {
  const std::int64_t hidden = cell.hidden, width = kGates * hidden;
  addProduct(1, width, hidden, state.h, hidden, cell.recurrence, width, gates, width);
  const auto sum = [&](std::int64_t gate, std::int64_t i) {
    const std::int64_t at = gate * hidden + i;
    return static_cast<double>(gates[at] + cell.inputBias[at] + cell.recurrentBias[at]);
  };
  const auto peephole = [&](std::int64_t gate, std::int64_t i, double c) {
    return cell.peepholes ? static_cast<double>(cell.peepholes[gate * hidden + i]) * c : 0.0;
  };
  for (std::int64_t i = 0; i < hidden; ++i) {
    const double old = static_cast<double>(state.c[i]);
    const double input = cell.activate(0, sum(0, i) + peephole(0, i, old));
    const double forget = couplesForget ? 1 - input : cell.activate(0, sum(2, i) + peephole(2, i, old));
    const double c = forget * old + input * cell.activate(1, sum(3, i));
    const double output = cell.activate(0, sum(1, i) + peephole(1, i, c));
    state.c[i] = static_cast<C>(c);
    state.h[i] = static_cast<C>(output * cell.activations[2](c));
  }
}

Result<void> infer(InferContext& context) { return inferRecurrent(context, kGates); }
double flops(const Graph& graph, const Node& node) { return recurrentFlops(graph, node, kGates); }

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const RecurrentGeometry geometry = TANDEM_TRY(
      recurrentGeometry(context.node(), kGates, x.shape(), context.input(1).shape(), context.input(2).shape()));
  TANDEM_TRY(checkRecurrentInputs(context, geometry, kGates));
  const auto activations = TANDEM_TRY(recurrentActivations(context.node(), geometry.directions, kDefaults));
  const bool couplesForget = context.attributes().getInt("input_forget", 0) != 0;
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    runRecurrent<C>(context, geometry, kGates, true, activations,
                    [&](const RecurrentCell<C>& cell, C* gates, const RecurrentState<C>& state) {
                      step(cell, gates, state, couplesForget);
                    });
  });
  if (!known) return context.fail("cannot compute on " + x.desc().toString());
  return {};
}

} // namespace

// ONNX LSTM: version 7 drops output_sequence, 14 adds layout.
extern const OpDef kLSTM = {.type = "LSTM",
                            .domain = "",
                            .versions = {1, 7, 14, 22},
                            .minInputs = 3,
                            .maxInputs = 8,
                            .minOutputs = 0,
                            .maxOutputs = 3,
                            .infer = infer,
                            .flops = flops,
                            .reference = reference};

} // namespace tandem::ops
