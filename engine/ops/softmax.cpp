// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/along_axis.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  const auto lines = softmaxLines(context.node(), context.input(0).shape());
  return mapLines(context, lines, []<class C>(const C* src, C* dst, const Lines& line) {
    const std::int64_t end = line.count * line.step;
    C most = src[0];
    for (std::int64_t i = 0; i < end; i += line.step) most = std::max(most, src[i]);
    C sum = 0;
    for (std::int64_t i = 0; i < end; i += line.step) sum += dst[i] = std::exp(src[i] - most);
    for (std::int64_t i = 0; i < end; i += line.step) dst[i] /= sum;
  });
}

double flops(const Graph& graph, const Node& node) { return 5 * flopsPerOutputElement(graph, node); }

} // namespace

// ONNX Softmax: below version 13 it works on the input flattened to two axes at `axis`.
extern const OpDef kSoftmax = {.type = "Softmax",
                               .domain = "",
                               .versions = {1, 11, 13},
                               .infer = inferSoftmax,
                               .flops = flops,
                               .reference = reference};

} // namespace tandem::ops
