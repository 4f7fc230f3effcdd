// SPDX-License-Identifier: GPL-3.0-or-later
// Operators that give the same elements another shape: no kernel at all, but for Dropout's mask.
#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/ops/kernel_util.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

Support check(const NodeView& view) {
  if (!isMovable(view.inputType(0))) return noType(view, view.inputType(0));
  return Support::yes();
}

Support checkDropout(const NodeView& view) {
  if (view.hasInput(2) && (!view.input(2).isConstant() || view.input(2).constant.asInt(0) != 0))
    return noAttribute("Dropout in training mode");
  if (view.node.version < 7 && view.node.attributes.getInt("is_test", 0) == 0)
    return noAttribute("Dropout in training mode");
  return check(view);
}

Result<void> lower(Lowering& lowering) { return lowering.alias(0, 0), Result<void>(); }

/// Nothing is dropped, so the mask is all ones.
Result<void> lowerDropout(Lowering& lowering) {
  lowering.alias(0, 0);
  if (!NodeView{lowering.graph(), lowering.node()}.wantsOutput(1)) return {};
  const TensorDesc& mask = lowering.outputDesc(1);
  std::vector<unsigned char> one(byteSize(mask.type), 0);
  visitType(mask.type, [&]<class T>(TypeTag<T>) {
    const T value = ops::convert<T>(1.0f);
    std::copy_n(reinterpret_cast<const unsigned char*>(&value), sizeof value, one.begin());
  });
  Step step = perElement("move", "fill", "-DE=" + std::string(clBits(mask.type)), mask.shape.elements());
  step.args = {lowering.output(1), lowering.weight(std::move(one)), toInt(mask.shape.elements())};
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "Reshape", check, lower},   {"", "Flatten", check, lower},  {"", "Squeeze", check, lower},
    {"", "Unsqueeze", check, lower}, {"", "Identity", check, lower}, {"", "Dropout", checkDropout, lowerDropout},
};

} // namespace

std::span<const KernelDef> viewKernels();
std::span<const KernelDef> viewKernels() { return kTable; }

} // namespace tandem::opencl
