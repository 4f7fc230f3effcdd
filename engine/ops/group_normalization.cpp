// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/moments.hpp"
#include "engine/ops/normalize_common.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  if (const Shape* x = context.inputShape(0)) {
    const std::int64_t groups = context.attributes().getInt("num_groups", 0);
    if (x->rank() < 2) return context.fail("the input " + x->toString() + " has no channel axis");
    if (groups < 1 || ((*x)[1] != kUnknownDim && (*x)[1] % groups != 0))
      return context.fail(std::to_string((*x)[1]) + " channels do not divide into " + std::to_string(groups) +
                          " groups");
  }
  return inferSameAsInput(context);
}

struct Layout {
  std::int64_t batch = 1, groups = 1, channels = 1, inner = 1; ///< channels of all groups
};

template <class C> void normalize(ReferenceContext& context, const Layout& layout) {
  const Tensor& x = context.input(0);
  const double epsilon = static_cast<double>(context.attributes().getFloat("epsilon", 1e-5f));
  const bool perGroup = context.version() < 21;
  const Elements<C> source(x), scale(context.input(1)), bias(context.input(2));
  Results<C> y(context.output(0, x.type(), x.shape()));
  const std::int64_t channels = layout.channels / layout.groups;
  for (std::int64_t n = 0; n < layout.batch; ++n)
    for (std::int64_t g = 0; g < layout.groups; ++g) {
      const std::int64_t start = (n * layout.groups + g) * channels * layout.inner;
      const Moments moments = momentsOf(source.data() + start, channels * layout.inner);
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t parameter = perGroup ? g : g * channels + c;
        const double factor = static_cast<double>(scale[parameter]) / std::sqrt(moments.variance() + epsilon);
        const double offset = static_cast<double>(bias[parameter]) - moments.mean() * factor;
        const C* src = source.data() + start + c * layout.inner;
        C* dst = y.data() + start + c * layout.inner;
        for (std::int64_t i = 0; i < layout.inner; ++i)
          dst[i] = static_cast<C>(static_cast<double>(src[i]) * factor + offset);
      }
    }
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::int64_t groups = context.attributes().getInt("num_groups", 0);
  if (x.shape().rank() < 2 || groups < 1 || x.shape()[1] % groups != 0)
    return context.fail("the channels of " + x.shape().toString() + " do not divide into " + std::to_string(groups) +
                        " groups");
  Layout layout{x.shape()[0], groups, x.shape()[1], 1};
  const std::int64_t parameters = context.version() < 21 ? groups : layout.channels;
  if (context.input(1).elements() != parameters || context.input(2).elements() != parameters)
    return context.fail("scale and bias need " + std::to_string(parameters) + " entries");
  for (std::size_t i = 2; i < x.shape().rank(); ++i) layout.inner *= x.shape()[i];
  if (!visitCompute(x.type(), [&]<class C>(TypeTag<C>) { normalize<C>(context, layout); }))
    return context.fail("cannot normalize " + x.desc().toString());
  return {};
}

} // namespace

// ONNX GroupNormalization: scale and bias per group in version 18, per channel since 21.
extern const OpDef kGroupNormalization = {.type = "GroupNormalization",
                                          .domain = "",
                                          .versions = {18, 21},
                                          .minInputs = 3,
                                          .maxInputs = 3,
                                          .infer = infer,
                                          .flops = normalizeFlops,
                                          .reference = reference};

} // namespace tandem::ops
