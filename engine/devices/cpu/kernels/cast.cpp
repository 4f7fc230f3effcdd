// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"

namespace tandem::cpu {
namespace {

template <class From, class To> using Row = void (*)(const From*, To*, std::int64_t);

template <class From, class To> std::optional<KernelPlan> castPlan(const NodeView& view, Row<From, To> row) {
  KernelPlan plan = view.plainPlan("rows");
  const std::int64_t count = view.output(0).shape.elements(), bytes = view.input(0).bytes() + view.output(0).bytes();
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, from = static_cast<const From*>(binding.inputs[0]), to = static_cast<To*>(binding.outputs[0])] {
      inPieces(threads, count, bytes,
               [&](std::int64_t begin, std::int64_t end) { row(from + begin, to + begin, end - begin); });
    };
  });
  return plan;
}

} // namespace

/// Between 16-bit floats and float32, of sums of integers and of truth values; other conversions have the operator's
/// own loops.
std::optional<KernelPlan> castKernel(const NodeView& view) {
  const DataType from = view.input(0).type, to = view.output(0).type;
  if (from == DataType::Float16 && to == DataType::Float32) return castPlan(view, &halfRowToFloat);
  if (from == DataType::Float32 && to == DataType::Float16) return castPlan(view, &floatRowToHalf);
  if (from == DataType::BFloat16 && to == DataType::Float32) return castPlan(view, &bfloat16RowToFloat);
  if (from == DataType::Float32 && to == DataType::BFloat16) return castPlan(view, &floatRowToBFloat16);
  if (from == DataType::Int32 && to == DataType::Float32) return castPlan(view, &integerRowToFloat);
  if (from == DataType::Bool && to == DataType::Float32) return castPlan(view, &truthRowToFloat);
  return std::nullopt;
}

} // namespace tandem::cpu
