// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/recurrent_common.hpp"

namespace tandem::ops {
namespace {

constexpr std::int64_t kGates = 3; // z (update), r (reset), h (hidden)
constexpr std::string_view kDefaults[] = {"Sigmoid", "Tanh"};

/// ONNX's equations: z = f(..), r = f(..), h' = g(..), h = (1 - z) h' + z h. The reset gate acts on h before the
/// product with R, or on the product, bias included (linear_before_reset).
template <class C>
void step(const RecurrentCell<C>& cell, C* gates, const RecurrentState<C>& state, bool linearBeforeReset,
          std::vector<C>& scratch) {
  const std::int64_t hidden = cell.hidden, width = kGates * hidden;
  scratch.assign(static_cast<std::size_t>(width + hidden), C(0));
  C* product = scratch.data();
  C* reset = product + width; // r, or r * h
  const std::int64_t first = linearBeforeReset ? width : 2 * hidden;
  addProduct(1, first, hidden, state.h, hidden, cell.recurrence, width, product, width);
  const auto sum = [&](std::int64_t i) {
    return static_cast<double>(gates[i] + product[i] + cell.inputBias[i] + cell.recurrentBias[i]);
  };
  for (std::int64_t i = 0; i < hidden; ++i) {
    const C r = static_cast<C>(cell.activate(0, sum(hidden + i)));
    reset[i] = linearBeforeReset ? r : r * state.h[i];
  }
  if (!linearBeforeReset)
    addProduct(1, hidden, hidden, reset, hidden, cell.recurrence + 2 * hidden, width, product + 2 * hidden, width);
  for (std::int64_t i = 0; i < hidden; ++i) {
    const std::int64_t at = 2 * hidden + i;
    const double z = cell.activate(0, sum(i));
    const double linear =
        static_cast<double>(gates[at] + reset[i] * (product[at] + cell.recurrentBias[at]) + cell.inputBias[at]);
    const double candidate = cell.activate(1, linearBeforeReset ? linear : sum(at));
    state.h[i] = static_cast<C>((1 - z) * candidate + z * static_cast<double>(state.h[i]));
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
  const bool linear = context.version() >= 3 && context.attributes().getInt("linear_before_reset", 0) != 0;
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    std::vector<C> scratch;
    runRecurrent<C>(context, geometry, kGates, false, activations,
                    [&](const RecurrentCell<C>& cell, C* gates, const RecurrentState<C>& state) {
                      step(cell, gates, state, linear, scratch);
                    });
  });
  if (!known) return context.fail("cannot compute on " + x.desc().toString());
  return {};
}

} // namespace

// ONNX GRU: version 3 adds linear_before_reset, 7 drops output_sequence, 14 adds layout.
extern const OpDef kGRU = {.type = "GRU",
                           .domain = "",
                           .versions = {1, 3, 7, 14, 22},
                           .minInputs = 3,
                           .maxInputs = 6,
                           .minOutputs = 0,
                           .maxOutputs = 2,
                           .infer = infer,
                           .flops = flops,
                           .reference = reference};

} // namespace tandem::ops
