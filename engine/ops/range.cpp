// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {
namespace {

using RangeTypes = TypeList<float, double, Half, BFloat16, std::int16_t, std::int32_t, std::int64_t>;

/// max(ceil((limit - start) / delta), 0); nullopt where delta is zero or the count has no integer.
template <class T> std::optional<std::int64_t> rangeCount(T start, T limit, T delta) {
  if (delta == T(0) || isNaN(delta)) return std::nullopt;
  if constexpr (std::is_integral_v<T>) {
    __extension__ using Wide = __int128;
    const Wide distance = static_cast<Wide>(limit) - start, step = delta;
    if ((distance > 0) != (step > 0) || distance == 0) return 0;
    const Wide count = (distance + step - (step > 0 ? 1 : -1)) / step;
    if (count > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    return static_cast<std::int64_t>(count);
  } else {
    const double count =
        std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
    // Beyond 2^53 a double does not count by one; no such range fits memory.
    if (!(count < 9007199254740992.0)) return std::nullopt;
    return count > 0 ? static_cast<std::int64_t>(count) : 0;
  }
}

template <class Context> Error badRange(const Context& context) {
  return context.fail("start, limit and delta do not give a finite range");
}

/// Number of elements for three scalars of one type.
template <class Context>
Result<std::int64_t> countOf(const Context& context, const Tensor& start, const Tensor& limit, const Tensor& delta) {
  if (start.elements() != 1 || limit.elements() != 1 || delta.elements() != 1)
    return context.fail("start, limit and delta must be scalars");
  if (limit.type() != start.type() || delta.type() != start.type())
    return context.fail("start, limit and delta must have one type");
  std::optional<std::int64_t> count;
  visitOneOf(RangeTypes{}, start.type(), [&]<class T>(TypeTag<T>) {
    using C = ComputeTypeOf<T>;
    count = rangeCount(static_cast<C>(start.as<T>()[0]), static_cast<C>(limit.as<T>()[0]),
                       static_cast<C>(delta.as<T>()[0]));
  });
  if (!count) return badRange(context);
  return *count;
}

Result<void> inferRange(InferContext& context) {
  const DataType type = context.inputType(0);
  context.setOutput(0, type, unknownShape(1));
  const Tensor *start = context.inputValue(0), *limit = context.inputValue(1), *delta = context.inputValue(2);
  if (start && limit && delta) context.setOutput(0, type, Shape{TANDEM_TRY(countOf(context, *start, *limit, *delta))});
  return {};
}

Result<void> range(ReferenceContext& context) {
  const Tensor &start = context.input(0), &delta = context.input(2);
  const std::int64_t count = TANDEM_TRY(countOf(context, start, context.input(1), delta));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, start.type(), Shape{count}));
  visitOneOf(RangeTypes{}, start.type(), [&]<class T>(TypeTag<T>) {
    using C = ComputeTypeOf<T>;
    const C first = static_cast<C>(start.as<T>()[0]), step = static_cast<C>(delta.as<T>()[0]);
    auto dst = out.mutableAs<T>();
    for (std::size_t i = 0; i < dst.size(); ++i)
      dst[i] = static_cast<T>(wrapAdd(first, wrapMul(static_cast<C>(i), step)));
  });
  return {};
}

constexpr OpDef makeRange() {
  OpDef def;
  def.type = "Range";
  def.versions = {11, 27};
  def.minInputs = def.maxInputs = 3;
  def.shapeInputs = 0b111;
  def.infer = inferRange;
  def.reference = range;
  return def;
}

} // namespace

// ONNX Range: start, start + delta, ... up to but without limit.
extern const OpDef kRange = makeRange();

} // namespace tandem::ops
