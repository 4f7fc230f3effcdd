// SPDX-License-Identifier: GPL-3.0-or-later
// DFT and STFT.
#include "engine/devices/opencl/kernels/emit.hpp"

#include <cmath>
#include <numbers>

namespace tandem::opencl {
namespace {

/// Every result is a sum over the whole line: beyond this the host's fast transform wins by far.
constexpr std::int64_t kMaxLength = 1 << 14;

Support constantIfPresent(const NodeView& view, std::size_t i) {
  if (view.hasInput(i) && (!view.input(i).isConstant() || view.input(i).constant.elements() != 1))
    return noAttribute(view.node.type + " whose parameters are computed at run time");
  return Support::yes();
}

/// Cosine and sine of 2 pi m / length.
Ref circle(Lowering& lowering, std::int64_t length) {
  std::vector<float> values;
  for (std::int64_t m = 0; m < length; ++m) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(m) / static_cast<double>(length);
    values.push_back(static_cast<float>(std::cos(angle)));
    values.push_back(static_cast<float>(std::sin(angle)));
  }
  return lowering.weights(values);
}

std::string accumulator(const Lowering& lowering) {
  return lowering.device().float64 ? "-DACC=double -DFLOAT64" : "-DACC=float";
}

// --- DFT

struct Transform {
  std::size_t axis = 0;
  std::int64_t length = 1;
  bool inverse = false, toReal = false;
};

std::optional<Transform> transformOf(const NodeView& view) {
  const Attributes& a = view.node.attributes;
  const Shape& x = view.input(0).desc.shape;
  Transform t;
  t.inverse = a.getInt("inverse", 0) != 0;
  t.toReal = t.inverse && a.getInt("onesided", 0) != 0;
  std::int64_t axis = view.node.version < 20 ? a.getInt("axis", 1) : -2;
  if (view.hasInput(2)) axis = view.input(2).constant.asInt(0);
  const auto normal = normalizeAxis(axis, x.rank());
  if (!normal || *normal + 1 == x.rank()) return std::nullopt;
  t.axis = *normal;
  t.length = view.hasInput(1) ? view.input(1).constant.asInt(0) : t.toReal ? 2 * (x[t.axis] - 1) : x[t.axis];
  return t;
}

Support checkDft(const NodeView& view) {
  for (std::size_t i : {1, 2})
    if (const Support support = constantIfPresent(view, i); !support.ok()) return support;
  if (const Support support = floatInputs(view, 0, 0); !support.ok()) return support;
  if (!view.isStatic()) return Support::yes();
  const auto transform = transformOf(view);
  if (!transform || transform->length < 1) return noAttribute("DFT over an axis that does not exist");
  if (transform->length > kMaxLength) return noAttribute("DFT longer than " + std::to_string(kMaxLength));
  return Support::yes();
}

Result<void> lowerDft(Lowering& lowering) {
  const auto t = transformOf({lowering.graph(), lowering.node()});
  TANDEM_ASSERT(t.has_value());
  const Shape &x = lowering.inputDesc(0).shape, &y = lowering.outputDesc(0).shape;
  std::int64_t inner = 1;
  for (std::size_t k = t->axis + 1; k + 1 < x.rank(); ++k) inner *= x[k];
  const std::int64_t count = y.elements() / (t->toReal ? 1 : 2);
  Step step = perElement("fourier", "dft", accumulator(lowering), count);
  step.args = {lowering.input(0),
               lowering.output(0),
               circle(lowering, t->length),
               toInt(count),
               toInt(y[t->axis]),
               toInt(x[t->axis]),
               toInt(inner),
               toInt(t->length),
               toInt(x[x.rank() - 1]),
               toInt(t->inverse ? 1 : 0),
               toInt(t->toReal ? 1 : 0)};
  lowering.launch(std::move(step));
  return {};
}

// --- STFT

Support checkStft(const NodeView& view) {
  for (std::size_t i : {1, 3})
    if (const Support support = constantIfPresent(view, i); !support.ok()) return support;
  if (!view.hasInput(1)) return noAttribute("STFT without a frame_step");
  for (std::size_t i : {0, 2})
    if (const Support support = floatInputs(view, i, i); !support.ok()) return support;
  return Support::yes();
}

Result<void> lowerStft(Lowering& lowering) {
  const Shape &x = lowering.inputDesc(0).shape, &y = lowering.outputDesc(0).shape;
  const std::int64_t length = lowering.hasInput(3)   ? lowering.inputTensor(3).asInt(0)
                              : lowering.hasInput(2) ? lowering.inputDesc(2).shape[0]
                                                     : x[1];
  const std::int64_t count = y.elements() / 2;
  Step step = perElement("fourier", "stft", accumulator(lowering), count);
  step.args = {lowering.input(0),
               lowering.hasInput(2) ? lowering.input(2) : Ref(),
               lowering.output(0),
               circle(lowering, length),
               toInt(count),
               toInt(x[1]),
               toInt(y[1]),
               toInt(y[2]),
               toInt(length),
               toInt(lowering.inputTensor(1).asInt(0)),
               toInt(x.rank() == 3 ? x[2] : 1)};
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "DFT", checkDft, lowerDft, nullptr, true},
    {"", "STFT", checkStft, lowerStft, nullptr, true},
};

} // namespace

std::span<const KernelDef> fourierKernels();
std::span<const KernelDef> fourierKernels() { return kTable; }

} // namespace tandem::opencl
