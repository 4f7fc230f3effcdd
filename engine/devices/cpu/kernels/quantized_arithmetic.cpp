// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/byte_product.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/quantization.hpp"

#include <algorithm>

namespace tandem::cpu {
namespace {

struct Sum {
  ByteScale a, b, c;
  std::int64_t count = 0;
  int threads = 1;
};

template <class Q> std::shared_ptr<const Kernel> sumKernel(const Sum& sum) {
  return makeKernel([sum](const Binding& binding) {
    return [sum, a = static_cast<const Q*>(binding.inputs[0]), b = static_cast<const Q*>(binding.inputs[3]),
            out = static_cast<Q*>(binding.outputs[0])] {
      inPieces(sum.threads, sum.count, sum.count * 3, [&](std::int64_t begin, std::int64_t end) {
        addRow(a + begin, sum.a, b + begin, sum.b, sum.c, out + begin, end - begin);
      });
    };
  });
}

/// Averages over the pixels of [items x pixels x channels] or [items x channels x pixels].
struct Average {
  ByteScale from, to;
  std::int64_t items = 1, channels = 1, pixels = 1;
  bool channelsLast = false;

  template <class Q> Q result(std::int32_t sum) const {
    const double centred = static_cast<double>(sum - static_cast<std::int64_t>(from.zeroPoint) * pixels);
    const auto real = static_cast<float>(centred * static_cast<double>(from.scale) / static_cast<double>(pixels));
    return ops::quantizeValue<Q>(real / to.scale, to.zeroPoint);
  }
  template <class Q> void run(const Q* x, std::int32_t* sums, Q* out) const {
    for (std::int64_t item = 0; item < items; ++item, x += channels * pixels, out += channels) {
      std::fill_n(sums, channels, 0);
      for (std::int64_t i = 0; channelsLast && i < pixels; ++i) accumulateRow(x + i * channels, sums, channels);
      for (std::int64_t c = 0; c < channels; ++c)
        out[c] = result<Q>(channelsLast ? sums[c] : byteSum(x + c * pixels, pixels));
    }
  }
};

template <class Q> std::shared_ptr<const Kernel> averageKernel(const Average& average) {
  return makeKernel([average](const Binding& binding) {
    return [average, x = static_cast<const Q*>(binding.inputs[0]), sums = static_cast<std::int32_t*>(binding.scratch),
            out = static_cast<Q*>(binding.outputs[0])] { average.run(x, sums, out); };
  });
}

} // namespace

std::optional<KernelPlan> qLinearAddKernel(const NodeView& view) {
  const TensorDesc &a = view.input(0), &b = view.input(3);
  const auto scaleA = constantScale(view, 1, 2), scaleB = constantScale(view, 4, 5), scaleC = constantScale(view, 6, 7);
  if (!scaleA || !scaleB || !scaleC || !isByte(a.type) || a != b || view.output(0) != a) return std::nullopt;
  KernelPlan plan = view.plainPlan("rows");
  for (std::size_t i = 0; i < plan.inputs.size(); ++i) plan.inputs[i].used = i == 0 || i == 3;
  if (const Layout& order = view.layout(0); !order.isPlain() && !hasPadding(order.desc()))
    plan.inputs[0].layout = plan.inputs[3].layout = plan.outputs[0] = order;
  const Sum sum{*scaleA, *scaleB, *scaleC, a.shape.elements(), view.threads()};
  plan.kernel = a.type == DataType::Int8 ? sumKernel<std::int8_t>(sum) : sumKernel<std::uint8_t>(sum);
  return plan;
}

std::optional<KernelPlan> qLinearGlobalAveragePoolKernel(const NodeView& view) {
  const TensorDesc& x = view.input(0);
  const auto from = constantScale(view, 1, 2), to = constantScale(view, 3, 4);
  if (!from || !to || !isByte(x.type) || view.output(0).type != x.type || x.shape.rank() < 3 || x.shape.rank() > 5 ||
      x.shape.elements() == 0 || view.attributes().getInt("channels_last", 0) != 0)
    return std::nullopt;
  Average average{*from, *to, x.shape[0], x.shape[1], x.shape.elements() / (x.shape[0] * x.shape[1])};
  if (average.pixels > std::int64_t{1} << 22) return std::nullopt; // sums of 32 bits
  KernelPlan plan = view.plainPlan("rows");
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  average.channelsLast = !view.layout(0).isPlain();
  if (average.channelsLast) plan.inputs[0].layout = Layout::of(channelsLastDesc(x));
  plan.scratchBytes = average.channels * static_cast<std::int64_t>(sizeof(std::int32_t));
  plan.kernel = x.type == DataType::Int8 ? averageKernel<std::int8_t>(average) : averageKernel<std::uint8_t>(average);
  return plan;
}

} // namespace tandem::cpu
