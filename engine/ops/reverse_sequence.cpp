// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/unary.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// Attribute time_axis, once it is known that it and batch_axis are 0 and 1.
template <class Context> Result<std::size_t> timeAxis(const Context& context, const Shape& x) {
  const std::int64_t time = context.attributes().getInt("time_axis", 0);
  const std::int64_t batch = context.attributes().getInt("batch_axis", 1);
  if (x.rank() < 2 || time < 0 || batch < 0 || time + batch != 1)
    return context.fail("time_axis and batch_axis must be 0 and 1 of at least two axes");
  return static_cast<std::size_t>(time);
}

Result<void> infer(InferContext& context) {
  if (const Shape* x = context.inputShape(0)) TANDEM_TRY(timeAxis(context, *x));
  return inferSameAsInput(context);
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::size_t time = TANDEM_TRY(timeAxis(context, x.shape()));
  const std::int64_t steps = x.shape()[time], batch = x.shape()[1 - time];
  const std::vector<std::int64_t> lengths = TANDEM_TRY(readInts(context, 1));
  if (static_cast<std::int64_t>(lengths.size()) != batch) return context.fail("sequence_lens do not match the batch");
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape()));
  if (x.elements() == 0) return {};
  const std::size_t row = static_cast<std::size_t>(dimProduct(x.shape(), 2, x.shape().rank())) * byteSize(x.type());
  const auto offset = [&](std::int64_t t, std::int64_t b) {
    return static_cast<std::size_t>(time == 0 ? t * batch + b : b * steps + t) * row;
  };
  const auto* src = static_cast<const std::byte*>(x.data());
  auto* dst = static_cast<std::byte*>(y.mutableData());
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t length = lengths[static_cast<std::size_t>(b)];
    if (length < 0 || length > steps)
      return context.fail("a sequence of " + std::to_string(length) + " does not fit " + std::to_string(steps) +
                          " steps");
    for (std::int64_t t = 0; t < steps; ++t)
      std::memcpy(dst + offset(t, b), src + offset(t < length ? length - 1 - t : t, b), row);
  }
  return {};
}

} // namespace

// ONNX ReverseSequence: the first sequence_lens[b] steps of each batch entry backwards, the rest as it is.
extern const OpDef kReverseSequence = {.type = "ReverseSequence",
                                       .domain = "",
                                       .versions = {10, 28},
                                       .minInputs = 2,
                                       .maxInputs = 2,
                                       .infer = infer,
                                       .reference = reference};

} // namespace tandem::ops
