// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/resample.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  if (!x) return context.setOutputType(0, type), Result<void>{};
  const Tensor* scales = context.version() < 9 ? nullptr : context.inputValue(1);
  if (context.version() >= 9 && !context.hasInput(1)) return context.fail("scales are missing");
  if (!x->isStatic() || (context.version() >= 9 && !scales)) {
    context.setOutput(0, type, Shape(std::vector<std::int64_t>(x->rank(), kUnknownDim)));
    return {};
  }
  const ResampleGeometry geometry = TANDEM_TRY(upsampleGeometry(context.node(), *x, scales));
  context.setOutput(0, type, geometry.outputShape());
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const bool takesInput = context.version() >= 9;
  if (takesInput && !context.hasInput(1)) return context.fail("scales are missing");
  const Tensor* scales = takesInput ? &context.input(1) : nullptr;
  const ResampleGeometry geometry = TANDEM_TRY(upsampleGeometry(context.node(), context.input(0).shape(), scales));
  return resample(context, geometry);
}

} // namespace

// ONNX Upsample: 1 has height_scale and width_scale, 7 attribute scales, 9 an input; from 10 on it is Resize.
extern const OpDef kUpsample = {.type = "Upsample",
                                .domain = "",
                                .versions = {1, 7, 9},
                                .maxInputs = 2,
                                .shapeInputs = 0b10,
                                .infer = infer,
                                .flops = resampleFlops,
                                .reference = reference};

} // namespace tandem::ops
