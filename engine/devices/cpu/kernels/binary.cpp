// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"

namespace tandem::cpu {
namespace {

BinaryFunction functionOf(std::string_view type) {
  if (type == "Sub") return BinaryFunction::Sub;
  if (type == "Mul") return BinaryFunction::Mul;
  if (type == "Div") return BinaryFunction::Div;
  if (type == "Max") return BinaryFunction::Max;
  if (type == "Min") return BinaryFunction::Min;
  return BinaryFunction::Add; // Add, and Sum of two
}

/// The layout of the operand that has the result's shape and is not plain, if there is one.
Layout preferredLayout(const NodeView& view) {
  for (std::size_t i : {std::size_t{0}, std::size_t{1}})
    if (!view.layout(i).isPlain() && view.input(i).shape == view.output(0).shape && !hasPadding(view.layout(i).desc()))
      return view.layout(i);
  return {};
}

/// Element by element over memory, in whatever layout; an operand with one element repeats.
KernelPlan flatPlan(const NodeView& view, BinaryFunction function, const Layout& layout) {
  KernelPlan plan = view.plainPlan("rows");
  const std::int64_t count = view.output(0).shape.elements();
  std::array<bool, 2> repeats{};
  for (std::size_t i = 0; i < 2; ++i) {
    repeats[i] = view.input(i).shape.elements() == 1 && count != 1;
    if (repeats[i]) continue;
    plan.inputs[i].layout = layout;
    plan.overwrites.push_back(static_cast<int>(i));
  }
  plan.outputs[0] = layout;
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, a = static_cast<const float*>(binding.inputs[0]), b = static_cast<const float*>(binding.inputs[1]),
            y = static_cast<float*>(binding.outputs[0])] {
      inPieces(threads, count, count * 12, [&](std::int64_t begin, std::int64_t end) {
        binaryRow(function, repeats[0] ? a : a + begin, repeats[0], repeats[1] ? b : b + begin, repeats[1], y + begin,
                  end - begin);
      });
    };
  });
  return plan;
}

/// One value per channel against a tensor whose channels lie side by side: all of them, or a block.
std::optional<KernelPlan> channelPlan(const NodeView& view, BinaryFunction function, const Layout& layout) {
  const Shape& shape = view.output(0).shape;
  const Shape& other = view.input(1).shape;
  if (view.layout(0).isPlain() || view.input(0).shape != shape || other.elements() != shape[1]) return std::nullopt;
  const std::size_t channelAxis = shape.rank() - other.rank() > 1 ? kMaxRank : 1 - (shape.rank() - other.rank());
  if (channelAxis >= other.rank() || other[channelAxis] != shape[1]) return std::nullopt;
  const bool last = isChannelsLast(layout.desc());
  const std::int64_t period = last ? shape[1] : channelBlock(layout.desc());
  if (period == 0) return std::nullopt;
  const std::int64_t positions = shape.elements() / (shape[0] * shape[1]);
  const std::int64_t blocks = shape[1] / period;
  KernelPlan plan = view.plainPlan("channel rows");
  plan.inputs[0].layout = plan.outputs[0] = layout;
  plan.overwrites = {0};
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), values = static_cast<const float*>(binding.inputs[1]),
            y = static_cast<float*>(binding.outputs[0])] {
      const std::int64_t rows = shape.elements() / period;
      inPieces(threads, rows, rows * period * 8, [&](std::int64_t begin, std::int64_t end) {
        // A block is short: its values are repeated, so that calls are worth their while.
        std::array<float, 512> repeated;
        const std::int64_t together = std::max<std::int64_t>(static_cast<std::int64_t>(repeated.size()) / period, 1);
        for (std::int64_t row = begin; row < end;) {
          const std::int64_t run = std::min(end, (row / positions + 1) * positions);
          const float* operand = values + row / positions % blocks * period;
          if (together > 1)
            for (std::int64_t i = 0; i < together; ++i) std::copy_n(operand, period, repeated.data() + i * period);
          for (; row < run; row += together)
            binaryRow(function, x + row * period, false, together > 1 ? repeated.data() : operand, false,
                      y + row * period, std::min(together, run - row) * period);
          row = run;
        }
      });
    };
  });
  return plan;
}

/// Broadcasting in plain layout, row by row.
KernelPlan broadcastPlan(const NodeView& view, BinaryFunction function, const ops::BroadcastPlan& rows) {
  KernelPlan plan = view.plainPlan("rows");
  for (std::size_t i = 0; i < 2; ++i)
    if (view.input(i).shape == view.output(0).shape) plan.overwrites.push_back(static_cast<int>(i));
  plan.kernel = makeKernel([=](const Binding& binding) {
    return [=, a = static_cast<const float*>(binding.inputs[0]), b = static_cast<const float*>(binding.inputs[1]),
            y = static_cast<float*>(binding.outputs[0])] {
      ops::forEachRow(rows, [&](std::int64_t at, const ops::BroadcastPlan::Offsets& offsets, std::int64_t length) {
        binaryRow(function, a + offsets[0], rows.repeats(0), b + offsets[1], rows.repeats(1), y + at, length);
      });
    };
  });
  return plan;
}

} // namespace

std::optional<KernelPlan> binaryKernel(const NodeView& view) {
  if (!view.allFloat() || view.inputCount() != 2) return std::nullopt;
  const BinaryFunction function = functionOf(view.node().type);
  const Shape& shape = view.output(0).shape;
  const Layout layout = preferredLayout(view);
  const bool flat = std::all_of(view.node().inputs.begin(), view.node().inputs.end(), [&](ValueId id) {
    const Shape& operand = view.graph().value(id).desc.shape;
    return operand == shape || operand.elements() == 1;
  });
  if (flat && (view.input(0).shape == shape || view.input(1).shape == shape)) return flatPlan(view, function, layout);
  const auto second = ops::secondOperandShape(view.node(), view.input(0).shape, view.input(1).shape);
  if (!second) return std::nullopt;
  if (!layout.isPlain() && second->rank() == view.input(1).shape.rank())
    if (auto plan = channelPlan(view, function, layout)) return plan;
  const std::array<const Shape*, 2> operands{&view.input(0).shape, &*second};
  const auto rows = ops::planBroadcast(operands);
  if (!rows || rows->output != shape) return std::nullopt;
  return broadcastPlan(view, function, *rows);
}

} // namespace tandem::cpu
