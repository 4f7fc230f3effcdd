// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/scatter_elements.hpp"
#include "engine/ops/unary.hpp"

namespace tandem::ops {
namespace {

constexpr OpDef makeScatter() {
  OpDef def;
  def.type = "Scatter";
  def.versions = {9, 11};
  def.minInputs = def.maxInputs = 3;
  def.infer = inferSameAsInput;
  def.reference = scatterElements;
  return def;
}

} // namespace

// ONNX Scatter: the old name of ScatterElements.
extern const OpDef kScatter = makeScatter();

} // namespace tandem::ops
