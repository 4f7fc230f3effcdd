// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"

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
  if (layout.isPlain()) return Walk{shape[0] * shape[1], 1, positions, shape[1]};
  if (isChannelsLast(layout.desc())) return Walk{shape[0], shape[1], positions, 1};
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

} // namespace

std::optional<KernelPlan> channelScaleKernel(const NodeView& view) {
  const auto problem = ConvProblem::of(view.graph(), view.node());
  if (!problem || !problem->scalesChannels() || problem->residual || !view.constant(1)) return std::nullopt;
  const auto bounds = boundsOf(problem->activation);
  const auto walk = walkOf(problem->input, view.layout(0));
  if (!bounds || !walk) return std::nullopt;
  KernelPlan plan = view.plainPlan("channel scale");
  plan.inputs[0].layout = plan.outputs[0] = view.layout(0);
  plan.overwrites = {0};
  const std::int64_t bytes = view.output(0).bytes();
  plan.kernel = makeKernel([=, bias = problem->bias, threads = view.threads()](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), scale = static_cast<const float*>(binding.inputs[1]),
            shift = bias ? static_cast<const float*>(binding.inputs[2]) : nullptr,
            y = static_cast<float*>(binding.outputs[0])] {
      // Pieces are of rows, or of the positions in a single one.
      const std::int64_t parts = walk->rows > 1 ? walk->rows : walk->repeats;
      const std::int64_t length = walk->rows > 1 ? walk->repeats : 1;
      inPieces(threads, parts, bytes, [&](std::int64_t begin, std::int64_t end) {
        if (walk->rows == 1) {
          scaleRow(x + begin * walk->period, scale, shift, *bounds, walk->period, end - begin,
                   y + begin * walk->period);
          return;
        }
        for (std::int64_t row = begin; row < end; ++row) {
          const std::int64_t at = row * walk->period * length;
          const std::int64_t first = row % walk->groups * walk->period;
          scaleRow(x + at, scale + first, shift ? shift + first : nullptr, *bounds, walk->period, length, y + at);
        }
      });
    };
  });
  return plan;
}

} // namespace tandem::cpu
