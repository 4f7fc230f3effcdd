// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  const Shape *a = context.inputShape(0), *b = context.inputShape(1);
  if (a && b && a->isStatic() && b->isStatic() && *a != *b)
    return context.fail("the inputs " + a->toString() + " and " + b->toString() + " differ in shape");
  return inferSameAsInput(context);
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &a = context.input(0), &b = context.input(1);
  TANDEM_TRY(requireSameType(context, 0, 1));
  if (a.shape() != b.shape()) return context.fail("the inputs differ in shape");
  Tensor y = TANDEM_TRY(makeOutput(context, 0, a.type(), a.shape()));
  const bool known = visitFloating(a.type(), [&]<class T>(TypeTag<T>) {
    using C = ComputeTypeOf<T>;
    const C alpha = static_cast<C>(context.attributes().getFloat("alpha", 1.0f));
    const auto gate = a.as<T>(), value = b.as<T>();
    auto dst = y.mutableAs<T>();
    for (std::size_t i = 0; i < dst.size(); ++i) {
      const C x = static_cast<C>(gate[i]);
      dst[i] = static_cast<T>(x / (1 + std::exp(-alpha * x)) * static_cast<C>(value[i]));
    }
  });
  if (!known) return unsupportedType(context, a.type());
  return {};
}

double flops(const Graph& graph, const Node& node) { return 2 * flopsPerOutputElement(graph, node); }

} // namespace

// ONNX SwiGLU: Swish(A) * B, without broadcasting.
extern const OpDef kSwiGLU = {.type = "SwiGLU",
                              .domain = "",
                              .versions = {28},
                              .minInputs = 2,
                              .maxInputs = 2,
                              .traits = OpTrait::Elementwise,
                              .infer = infer,
                              .flops = flops,
                              .reference = reference};

} // namespace tandem::ops
