// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/floating.hpp"
#include "engine/ops/matrix.hpp"
#include "engine/ops/op_def.hpp"

#include <cmath>

namespace tandem::ops {

/// Extents of RNN, GRU and LSTM. Dims that are not known yet are kUnknownDim.
struct RecurrentGeometry {
  std::int64_t steps = 1;
  std::int64_t batch = 1;
  std::int64_t inputSize = 1;
  std::int64_t hidden = 1;
  std::int64_t directions = 1; ///< 2 for bidirectional
  bool reverse = false;        ///< the only direction runs backwards
  bool batchFirst = false;     ///< attribute layout = 1

  Shape sequenceShape() const; ///< of Y
  Shape stateShape() const;    ///< of Y_h, Y_c and the initial states
};

/// From the shapes of X and R; `gates` is 1, 3 or 4. Fails with ModelRejected where ranks or extents do not fit, or the
/// direction is not known.
Result<RecurrentGeometry> recurrentGeometry(const Node& node, std::int64_t gates, const Shape& x, const Shape& w,
                                            const Shape& r);
/// Y, Y_h and Y_c (if the node has it).
Result<void> inferRecurrent(InferContext& context, std::int64_t gates);
double recurrentFlops(const Graph& graph, const Node& node, std::int64_t gates);
/// Fails where an optional input of the node has another number of elements than the geometry asks for.
Result<void> checkRecurrentInputs(const ReferenceContext& context, const RecurrentGeometry& geometry,
                                  std::int64_t gates);

/// One of the functions that attribute `activations` may name.
struct RecurrentActivation {
  enum class Kind {
    Affine,
    Elu,
    HardSigmoid,
    LeakyRelu,
    Relu,
    ScaledTanh,
    Sigmoid,
    Softplus,
    Softsign,
    Tanh,
    ThresholdedRelu
  };
  Kind kind = Kind::Tanh;
  double alpha = 0;
  double beta = 0;

  double operator()(double x) const;
};
/// `perDirection` functions for each direction, in order: attributes activations, activation_alpha, activation_beta,
/// with `defaults` (one direction) where absent.
Result<std::vector<RecurrentActivation>> recurrentActivations(const Node& node, std::int64_t directions,
                                                              std::span<const std::string_view> defaults);

/// What a cell works with for one direction.
template <class C> struct RecurrentCell {
  std::int64_t hidden = 1;
  const C* recurrence = nullptr;    ///< R turned to [hidden][gates * hidden]
  const C* inputBias = nullptr;     ///< Wb [gates * hidden]
  const C* recurrentBias = nullptr; ///< Rb [gates * hidden]
  const C* peepholes = nullptr;     ///< P [3 * hidden] or null
  const RecurrentActivation* activations = nullptr;
  double clip = 0; ///< 0: none

  /// Activation `index` of x limited to [-clip, clip].
  double activate(std::size_t index, double x) const {
    return activations[index](clip > 0 ? std::max(-clip, std::min(clip, x)) : x);
  }
};

/// The state of one sequence while it runs: h, and c for LSTM.
template <class C> struct RecurrentState {
  C* h = nullptr;
  C* c = nullptr;
};

template <class C> struct RecurrentInputs {
  explicit RecurrentInputs(const ReferenceContext& context, const RecurrentGeometry& geometry, std::int64_t gates)
      : x(context.input(0)),
        w(context.input(1)),
        r(context.input(2)),
        bias(static_cast<std::size_t>(geometry.directions * 2 * gates * geometry.hidden), C(0)),
        lengths(static_cast<std::size_t>(geometry.batch), geometry.steps) {
    if (context.hasInput(3)) {
      const Elements<C> b(context.input(3));
      std::copy_n(b.data(), bias.size(), bias.begin());
    }
    if (context.hasInput(4)) lengths = context.input(4).toInts();
  }
  Elements<C> x, w, r;
  std::vector<C> bias;
  std::vector<std::int64_t> lengths;
};

/// Offset of element [direction][batch] of a state tensor, or of [step][direction][batch] of Y, in units of hidden.
inline std::int64_t stateOffset(const RecurrentGeometry& g, std::int64_t direction, std::int64_t n) {
  return g.batchFirst ? n * g.directions + direction : direction * g.batch + n;
}
inline std::int64_t sequenceOffset(const RecurrentGeometry& g, std::int64_t step, std::int64_t direction,
                                   std::int64_t n) {
  return g.batchFirst ? (n * g.steps + step) * g.directions + direction
                      : (step * g.directions + direction) * g.batch + n;
}

/// The initial state (input `index`), or zeros.
template <class C>
std::vector<C> initialState(const ReferenceContext& context, const RecurrentGeometry& geometry, std::size_t index) {
  std::vector<C> state(static_cast<std::size_t>(geometry.directions * geometry.batch * geometry.hidden), C(0));
  if (context.hasInput(index)) {
    const Elements<C> initial(context.input(index));
    std::copy_n(initial.data(), state.size(), state.begin());
  }
  return state;
}

template <class C>
void storeState(ReferenceContext& context, std::size_t output, const Shape& shape, const std::vector<C>& state) {
  if (!context.wantsOutput(output)) return;
  Results<C> result(context.output(output, context.input(0).type(), shape));
  std::copy(state.begin(), state.end(), result.data());
  result.store();
}

/// Runs `step(cell, inputGates, state)` over all directions, sequences and time steps, and writes the outputs.
/// `inputGates` is x_t * W^T without biases. Outputs after the end of a sequence are zero.
template <class C, class Step>
void runRecurrent(ReferenceContext& context, const RecurrentGeometry& g, std::int64_t gates, bool hasCellState,
                  const std::vector<RecurrentActivation>& activations, Step step) {
  const RecurrentInputs<C> inputs(context, g, gates);
  const std::int64_t width = gates * g.hidden;
  std::vector<C> h = initialState<C>(context, g, 5), c;
  std::optional<Elements<C>> peepholes;
  if (hasCellState) c = initialState<C>(context, g, 6);
  if (hasCellState && context.hasInput(7)) peepholes.emplace(context.input(7));
  std::vector<C> y(static_cast<std::size_t>(g.steps * g.directions * g.batch * g.hidden), C(0));
  std::vector<C> inputGates(static_cast<std::size_t>(width));
  for (std::int64_t d = 0; d < g.directions; ++d) {
    const std::vector<C> recurrence = transposed(width, g.hidden, inputs.r.data() + d * width * g.hidden);
    const std::vector<C> kernel = transposed(width, g.inputSize, inputs.w.data() + d * width * g.inputSize);
    RecurrentCell<C> cell;
    cell.hidden = g.hidden;
    cell.recurrence = recurrence.data();
    cell.inputBias = inputs.bias.data() + d * 2 * width;
    cell.recurrentBias = cell.inputBias + width;
    cell.peepholes = peepholes ? peepholes->data() + d * 3 * g.hidden : nullptr;
    cell.activations = activations.data() + d * static_cast<std::int64_t>(activations.size()) / g.directions;
    cell.clip = static_cast<double>(context.attributes().getFloat("clip", 0.0f));
    const bool backwards = g.reverse || d == 1;
    for (std::int64_t n = 0; n < g.batch; ++n) {
      const std::int64_t at = stateOffset(g, d, n) * g.hidden;
      const RecurrentState<C> state{h.data() + at, hasCellState ? c.data() + at : nullptr};
      const std::int64_t length = inputs.lengths[static_cast<std::size_t>(n)];
      for (std::int64_t i = 0; i < length; ++i) {
        const std::int64_t t = backwards ? length - 1 - i : i;
        const C* x = inputs.x.data() + (g.batchFirst ? n * g.steps + t : t * g.batch + n) * g.inputSize;
        std::fill(inputGates.begin(), inputGates.end(), C(0));
        addProduct(1, width, g.inputSize, x, g.inputSize, kernel.data(), width, inputGates.data(), width);
        step(cell, inputGates.data(), state);
        std::copy_n(state.h, g.hidden, y.data() + sequenceOffset(g, t, d, n) * g.hidden);
      }
    }
  }
  storeState(context, 0, g.sequenceShape(), y);
  storeState(context, 1, g.stateShape(), h);
  if (hasCellState) storeState(context, 2, g.stateShape(), c);
}

} // namespace tandem::ops
