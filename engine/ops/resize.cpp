// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/resample.hpp"

namespace tandem::ops {
namespace {

/// Where the operands sit: version 10 has X and scales; 11 and later X, roi, scales, sizes.
constexpr std::size_t kRoi = 1, kScales = 2, kSizes = 3;

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  if (!x) return context.setOutputType(0, type), Result<void>{};
  const bool old = context.version() < 11;
  const ResampleOperands operands{old ? nullptr : context.inputValue(kRoi), context.inputValue(old ? 1 : kScales),
                                  old ? nullptr : context.inputValue(kSizes)};
  const bool steered =
      (operands.sizes && operands.sizes->elements() > 0) || (operands.scales && operands.scales->elements() > 0);
  const bool needsRoi = context.attributes().getString("coordinate_transformation_mode", "") == "tf_crop_and_resize";
  if (x->isStatic() && steered && (operands.roi || !needsRoi)) {
    const ResampleGeometry geometry = TANDEM_TRY(resizeGeometry(context.node(), *x, operands));
    context.setOutput(0, type, geometry.outputShape());
    return {};
  }
  Shape y = *x;
  const std::vector<std::int64_t> axes = context.attributes().getInts("axes");
  for (std::size_t i = 0; i < y.rank(); ++i)
    if (axes.empty()) y[i] = kUnknownDim;
  for (std::int64_t axis : axes)
    if (const auto index = normalizeAxis(axis, y.rank())) y[*index] = kUnknownDim;
  // A batch of unknown size stays one, but sizes fix all other extents.
  if (operands.sizes && axes.empty() && operands.sizes->elements() == static_cast<std::int64_t>(y.rank()) &&
      context.attributes().getString("keep_aspect_ratio_policy", "stretch") == "stretch")
    y = Shape(operands.sizes->toInts());
  context.setOutput(0, type, std::move(y));
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const bool old = context.version() < 11;
  const auto operand = [&](std::size_t i) { return context.hasInput(i) ? &context.input(i) : nullptr; };
  const ResampleOperands operands{old ? nullptr : operand(kRoi), operand(old ? 1 : kScales),
                                  old ? nullptr : operand(kSizes)};
  const ResampleGeometry geometry = TANDEM_TRY(resizeGeometry(context.node(), context.input(0).shape(), operands));
  return resample(context, geometry);
}

} // namespace

// ONNX Resize: 10 knows scales only; 11 adds sizes, roi and coordinate modes; 13 makes inputs optional; 18 adds axes,
// antialias and keep_aspect_ratio_policy; 19 adds half_pixel_symmetric.
extern const OpDef kResize = {.type = "Resize",
                              .domain = "",
                              .versions = {10, 11, 13, 18, 19},
                              .maxInputs = 4,
                              .shapeInputs = 0b1110,
                              .infer = infer,
                              .flops = resampleFlops,
                              .reference = reference};

} // namespace tandem::ops
