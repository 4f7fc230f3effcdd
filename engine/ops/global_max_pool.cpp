// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/global_pool.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  return reducePlanes(context, []<class C>(const C* plane, std::int64_t count) {
    C best = plane[0];
    for (std::int64_t i = 1; i < count; ++i)
      if (plane[i] > best || plane[i] != plane[i]) best = plane[i];
    return best;
  });
}

} // namespace

// ONNX GlobalMaxPool.
extern const OpDef kGlobalMaxPool = {.type = "GlobalMaxPool",
                                     .domain = "",
                                     .versions = {1, 22},
                                     .infer = inferGlobalPool,
                                     .flops = globalPoolFlops,
                                     .reference = reference};

} // namespace tandem::ops
