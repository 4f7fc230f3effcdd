// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/global_pool.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  return reducePlanes(context, []<class C>(const C* plane, std::int64_t count) {
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(plane[i]);
    return static_cast<C>(sum / static_cast<double>(count));
  });
}

} // namespace

// ONNX GlobalAveragePool.
extern const OpDef kGlobalAveragePool = {.type = "GlobalAveragePool",
                                         .domain = "",
                                         .versions = {1, 22},
                                         .infer = inferGlobalPool,
                                         .flops = globalPoolFlops,
                                         .reference = reference};

} // namespace tandem::ops
