// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/pool_common.hpp"

namespace tandem::ops {
namespace {

template <class C> void averagePool(const PoolGeometry& geometry, const C* x, C* y) {
  forEachWindow(geometry, [&](std::int64_t plane, std::int64_t index, const PoolWindow& window) {
    const C* src = x + plane * geometry.inputPositions();
    C sum = 0;
    forEachElement(geometry, window, [&](std::int64_t, std::int64_t, std::int64_t, std::int64_t i) { sum += src[i]; });
    C divisor = 1;
    for (std::size_t i = 0; i < kWindowAxes; ++i)
      divisor *= static_cast<C>(averageDivisor(geometry, geometry.axes[i], window.output[i]));
    y[plane * geometry.outputPositions() + index] = divisor > 0 ? sum / divisor : C(0);
  });
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const PoolGeometry geometry = TANDEM_TRY(poolGeometry(context.node(), x.shape()));
  Tensor y = context.output(0, x.type(), geometry.outputShape());
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x);
    Results<C> result(y);
    averagePool(geometry, source.data(), result.data());
    result.store();
  });
  if (!known) return context.fail("cannot average " + x.desc().toString());
  return {};
}

} // namespace

// ONNX AveragePool: 7 adds count_include_pad, 10 ceil_mode, 19 dilations, 22 bfloat16.
extern const OpDef kAveragePool = {.type = "AveragePool",
                                   .domain = "",
                                   .versions = {1, 7, 10, 11, 19, 22},
                                   .infer = inferPool,
                                   .flops = poolFlops,
                                   .reference = reference};

} // namespace tandem::ops
