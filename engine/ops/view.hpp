// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {

/// Output 0: the elements of input 0 in the same order under another shape; fails where the counts differ.
Result<void> copyAs(ReferenceContext& context, const Shape& shape);

constexpr OpDef viewOp(std::string_view type, std::array<std::uint8_t, 12> versions,
                       Result<void> (*infer)(InferContext&), Result<void> (*reference)(ReferenceContext&)) {
  OpDef def;
  def.type = type;
  def.versions = versions;
  def.traits = OpTrait::View;
  def.infer = infer;
  def.reference = reference;
  return def;
}

} // namespace tandem::ops
