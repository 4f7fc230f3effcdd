// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/global_pool.hpp"
#include "engine/ops/lp_norm.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  const double p = TANDEM_TRY(normOrder(context.node()));
  return reducePlanes(context, [p]<class C>(const C* plane, std::int64_t count) {
    LpNorm norm(p);
    for (std::int64_t i = 0; i < count; ++i) norm.add(static_cast<double>(plane[i]));
    return static_cast<C>(norm.value());
  });
}

} // namespace

// ONNX GlobalLpPool.
extern const OpDef kGlobalLpPool = {.type = "GlobalLpPool",
                                    .domain = "",
                                    .versions = {1, 2, 22},
                                    .infer = inferGlobalPool,
                                    .flops = globalPoolFlops,
                                    .reference = reference};

} // namespace tandem::ops
