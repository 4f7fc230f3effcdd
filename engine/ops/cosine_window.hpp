// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"

namespace tandem::ops {

/// HannWindow, HammingWindow and BlackmanWindow: a0 + a1 * cos(2 pi n / N) + a2 * cos(4 pi n / N) for n = 0..size-1,
/// where N is size for a periodic window and size - 1 for a symmetric one. A symmetric window of one element is 1.
Result<void> cosineWindow(ReferenceContext& context, double a0, double a1, double a2);
Result<void> inferCosineWindow(InferContext& context);
/// Attribute output_datatype; Undefined where it is not a number type that the engine stores.
DataType outputDatatype(const Node& node);

constexpr OpDef cosineWindowOp(std::string_view type, Result<void> (*reference)(ReferenceContext&)) {
  OpDef def;
  def.type = type;
  def.versions = {17};
  def.shapeInputs = 1u << 0;
  def.infer = inferCosineWindow;
  def.reference = reference;
  return def;
}

} // namespace tandem::ops
