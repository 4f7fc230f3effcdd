// SPDX-License-Identifier: GPL-3.0-or-later
// Operators that give the same elements another shape: no kernel at all.
#include "engine/devices/opencl/kernels/emit.hpp"

namespace tandem::opencl {
namespace {

Support check(const NodeView& view) {
  if (!isMovable(view.inputType(0))) return noType(view, view.inputType(0));
  return Support::yes();
}

Support checkDropout(const NodeView& view) {
  if (view.wantsOutput(1)) return noAttribute("Dropout whose mask is used");
  if (view.hasInput(2) && (!view.input(2).isConstant() || view.input(2).constant.asInt(0) != 0))
    return noAttribute("Dropout in training mode");
  if (view.node.version < 7 && view.node.attributes.getInt("is_test", 0) == 0)
    return noAttribute("Dropout in training mode");
  return check(view);
}

Result<void> lower(Lowering& lowering) { return lowering.alias(0, 0), Result<void>(); }

constexpr KernelDef kTable[] = {
    {"", "Reshape", check, lower},   {"", "Flatten", check, lower},  {"", "Squeeze", check, lower},
    {"", "Unsqueeze", check, lower}, {"", "Identity", check, lower}, {"", "Dropout", checkDropout, lower},
};

} // namespace

std::span<const KernelDef> viewKernels();
std::span<const KernelDef> viewKernels() { return kTable; }

} // namespace tandem::opencl
