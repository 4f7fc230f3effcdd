// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/lp_norm.hpp"
#include "engine/ops/pool_common.hpp"

namespace tandem::ops {
namespace {

template <class C> void lpPool(const PoolGeometry& geometry, double p, const C* x, C* y) {
  forEachWindow(geometry, [&](std::int64_t plane, std::int64_t index, const PoolWindow& window) {
    const C* src = x + plane * geometry.inputPositions();
    LpNorm norm(p);
    forEachElement(geometry, window, [&](std::int64_t, std::int64_t, std::int64_t, std::int64_t i) {
      norm.add(static_cast<double>(src[i]));
    });
    y[plane * geometry.outputPositions() + index] = static_cast<C>(norm.value());
  });
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const PoolGeometry geometry = TANDEM_TRY(poolGeometry(context.node(), x.shape()));
  const double p = TANDEM_TRY(normOrder(context.node()));
  Tensor y = context.output(0, x.type(), geometry.outputShape());
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x);
    Results<C> result(y);
    lpPool(geometry, p, source.data(), result.data());
    result.store();
  });
  if (!known) return context.fail("cannot pool " + x.desc().toString());
  return {};
}

double flops(const Graph& graph, const Node& node) { return 2 * poolFlops(graph, node); }

} // namespace

// ONNX LpPool: p is a float in version 1 and an integer since 2; 18 adds ceil_mode and dilations, 22 bfloat16.
extern const OpDef kLpPool = {.type = "LpPool",
                              .domain = "",
                              .versions = {1, 2, 11, 18, 22},
                              .infer = inferPool,
                              .flops = flops,
                              .reference = reference};

} // namespace tandem::ops
