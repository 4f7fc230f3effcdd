// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"

#include <cmath>
#include <limits>

namespace tandem::cpu {
namespace {

/// The layouts differ only in how long the channels' numbers are before they repeat.
struct Walk {
  std::int64_t rows = 1;   ///< times that the period's numbers change
  std::int64_t period = 1; ///< numbers side by side
  std::int64_t repeats = 1;
  std::int64_t groups = 1; ///< rows that have numbers of their own; the next ones start over
};

std::optional<Walk> walkOf(const TensorDesc& desc, const Layout& layout) {
  const Shape& shape = desc.shape;
  const std::int64_t positions = shape.elements() / (shape[0] * shape[1]);
  if (!layout.isPlain() && hasPadding(layout.desc())) return std::nullopt;
  if (positions == 1 || (!layout.isPlain() && isChannelsLast(layout.desc())))
    return Walk{1, shape[1], shape[0] * positions, 1};
  if (layout.isPlain()) return Walk{shape[0] * shape[1], 1, positions, shape[1]};
  const std::int64_t block = channelBlock(layout.desc());
  if (block == 0) return std::nullopt;
  return Walk{shape[0] * shape[1] / block, block, positions, shape[1] / block};
}

/// The bounds that an activation puts on a sum.
std::optional<std::array<float, 2>> boundsOf(const ops::Activation& activation) {
  constexpr float kEndless = std::numeric_limits<float>::infinity();
  switch (activation.kind) {
  case ops::ActivationKind::None: return {{-kEndless, kEndless}};
  case ops::ActivationKind::Relu: return {{0, kEndless}};
  case ops::ActivationKind::Clip:
    if (activation.alpha > activation.beta) return std::nullopt;
    return {{activation.alpha, activation.beta}};
  default: return std::nullopt;
  }
}

/// y = x * scale + shift for every channel, kept within bounds; `shift` may be null.
struct Scaling {
  Walk walk;
  std::array<float, 2> bounds;

  void run(const float* x, const float* scale, const float* shift, float* y, std::int64_t bytes, int threads) const {
    // Pieces are of rows, or of the positions in a single one.
    const std::int64_t parts = walk.rows > 1 ? walk.rows : walk.repeats;
    const std::int64_t length = walk.rows > 1 ? walk.repeats : 1;
    inPieces(threads, parts, bytes, [&](std::int64_t begin, std::int64_t end) {
      if (walk.rows == 1) {
        scaleRow(x + begin * walk.period, scale, shift, bounds, walk.period, end - begin, y + begin * walk.period);
        return;
      }
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t at = row * walk.period * length;
        const std::int64_t first = row % walk.groups * walk.period;
        scaleRow(x + at, scale + first, shift ? shift + first : nullptr, bounds, walk.period, length, y + at);
      }
    });
  }
};

KernelPlan scalePlan(const NodeView& view) {
  KernelPlan plan = view.plainPlan("channel scale");
  plan.inputs[0].layout = plan.outputs[0] = view.layout(0);
  plan.overwrites = {0};
  return plan;
}

struct Numbers {
  std::vector<float> scale, shift;
};

/// What a normalisation with constant parameters comes to.
std::optional<Numbers> numbersOf(const NodeView& view) {
  const std::int64_t channels = view.input(0).shape[1];
  for (std::size_t i = 1; i < 5; ++i)
    if (!view.constant(i) || view.constant(i)->elements() != channels) return std::nullopt;
  const auto epsilon = static_cast<double>(view.attributes().getFloat("epsilon", 1e-5f));
  Numbers numbers;
  for (std::int64_t c = 0; c < channels; ++c) {
    const double factor = view.constant(1)->asDouble(c) / std::sqrt(view.constant(4)->asDouble(c) + epsilon);
    numbers.scale.push_back(static_cast<float>(factor));
    numbers.shift.push_back(static_cast<float>(view.constant(2)->asDouble(c) - view.constant(3)->asDouble(c) * factor));
  }
  return numbers;
}

} // namespace

/// A BatchNormalization with constant parameters.
std::optional<KernelPlan> constantNormalizationKernel(const NodeView& view) {
  const Shape& shape = view.input(0).shape;
  if (!view.allFloat() || shape.rank() < 2 || shape.elements() == 0 ||
      view.attributes().getInt("training_mode", 0) != 0 || view.attributes().getInt("spatial", 1) != 1)
    return std::nullopt;
  for (std::size_t i = 1; i < view.outputCount(); ++i)
    if (view.wantsOutput(i)) return std::nullopt;
  const auto walk = walkOf(view.input(0), view.layout(0));
  const auto numbers = walk ? numbersOf(view) : std::nullopt;
  if (!numbers) return std::nullopt;
  KernelPlan plan = scalePlan(view);
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  constexpr float kEndless = std::numeric_limits<float>::infinity();
  plan.kernel = makeKernel([scaling = Scaling{*walk, {-kEndless, kEndless}}, bytes = view.output(0).bytes(),
                            threads = view.threads(),
                            shared = std::make_shared<const Numbers>(*numbers)](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), y = static_cast<float*>(binding.outputs[0])] {
      scaling.run(x, shared->scale.data(), shared->shift.data(), y, bytes, threads);
    };
  });
  return plan;
}

std::optional<KernelPlan> channelScaleKernel(const NodeView& view) {
  const auto problem = ConvProblem::of(view.graph(), view.node());
  if (!problem || !problem->scalesChannels() || problem->residual || !view.constant(1)) return std::nullopt;
  const auto bounds = boundsOf(problem->activation);
  const auto walk = walkOf(problem->input, view.layout(0));
  if (!bounds || !walk) return std::nullopt;
  KernelPlan plan = scalePlan(view);
  plan.kernel = makeKernel([scaling = Scaling{*walk, *bounds}, bytes = view.output(0).bytes(), bias = problem->bias,
                            threads = view.threads()](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), scale = static_cast<const float*>(binding.inputs[1]),
            shift = bias ? static_cast<const float*>(binding.inputs[2]) : nullptr,
            y = static_cast<float*>(binding.outputs[0])] { scaling.run(x, scale, shift, y, bytes, threads); };
  });
  return plan;
}

} // namespace tandem::cpu
