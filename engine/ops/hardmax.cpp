// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/along_axis.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  const auto lines = softmaxLines(context.node(), context.input(0).shape());
  return mapLines(context, lines, []<class C>(const C* src, C* dst, const Lines& line) {
    const std::int64_t end = line.count * line.step;
    std::int64_t best = 0;
    for (std::int64_t i = 0; i < end; i += line.step)
      if (src[i] > src[best]) best = i;
    for (std::int64_t i = 0; i < end; i += line.step) dst[i] = C(0);
    dst[best] = C(1);
  });
}

double flops(const Graph& graph, const Node& node) { return 1 * flopsPerOutputElement(graph, node); }

} // namespace

// ONNX Hardmax: below version 13 it works on the input flattened to two axes at `axis`.
extern const OpDef kHardmax = {.type = "Hardmax",
                               .domain = "",
                               .versions = {1, 11, 13},
                               .infer = inferSoftmax,
                               .flops = flops,
                               .reference = reference};

} // namespace tandem::ops
