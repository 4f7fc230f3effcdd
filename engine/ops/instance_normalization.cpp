// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/moments.hpp"
#include "engine/ops/normalize_common.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  if (x.shape().rank() < 2) return context.fail("the input " + x.shape().toString() + " has no channel axis");
  const std::int64_t channels = x.shape()[1], planes = x.shape()[0] * channels;
  if (context.input(1).elements() != channels || context.input(2).elements() != channels)
    return context.fail("scale and bias need one entry for each of " + std::to_string(channels) + " channels");
  const std::int64_t inner = planes == 0 ? 0 : x.elements() / planes;
  const double epsilon = static_cast<double>(context.attributes().getFloat("epsilon", 1e-5f));
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x), scale(context.input(1)), bias(context.input(2));
    Results<C> y(context.output(0, x.type(), x.shape()));
    for (std::int64_t plane = 0; plane < planes; ++plane) {
      const C* src = source.data() + plane * inner;
      const Moments moments = momentsOf(src, inner);
      const double factor = static_cast<double>(scale[plane % channels]) / std::sqrt(moments.variance() + epsilon);
      const double offset = static_cast<double>(bias[plane % channels]) - moments.mean() * factor;
      C* dst = y.data() + plane * inner;
      for (std::int64_t i = 0; i < inner; ++i) dst[i] = static_cast<C>(static_cast<double>(src[i]) * factor + offset);
    }
    y.store();
  });
  if (!known) return context.fail("cannot normalize " + x.desc().toString());
  return {};
}

} // namespace

// ONNX InstanceNormalization: 6 drops consumed_inputs, 22 adds bfloat16.
extern const OpDef kInstanceNormalization = {.type = "InstanceNormalization",
                                             .domain = "",
                                             .versions = {1, 6, 22},
                                             .minInputs = 3,
                                             .maxInputs = 3,
                                             .infer = inferSameAsInput,
                                             .flops = normalizeFlops,
                                             .reference = reference};

} // namespace tandem::ops
