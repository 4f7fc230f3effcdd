// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/along_axis.hpp"
#include "engine/ops/lp_norm.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  TANDEM_TRY(normOrder(context.node()));
  if (const Shape* x = context.inputShape(0); x && !normalizeAxis(context.attributes().getInt("axis", -1), x->rank()))
    return context.fail("axis does not exist in " + x->toString());
  return inferSameAsInput(context);
}

Result<void> reference(ReferenceContext& context) {
  const double p = TANDEM_TRY(normOrder(context.node()));
  const Shape& shape = context.input(0).shape();
  std::optional<Lines> lines;
  if (const auto axis = normalizeAxis(context.attributes().getInt("axis", -1), shape.rank())) {
    lines.emplace();
    lines->count = shape[*axis];
    for (std::size_t i = 0; i < *axis; ++i) lines->outer *= shape[i];
    for (std::size_t i = *axis + 1; i < shape.rank(); ++i) lines->step *= shape[i];
  }
  return mapLines(context, lines, [p]<class C>(const C* src, C* dst, const Lines& line) {
    const std::int64_t end = line.count * line.step;
    LpNorm norm(p);
    for (std::int64_t i = 0; i < end; i += line.step) norm.add(static_cast<double>(src[i]));
    const double length = norm.value();
    // A line of zeros stays zero, as the specification asks for.
    for (std::int64_t i = 0; i < end; i += line.step)
      dst[i] = length == 0 ? C(0) : static_cast<C>(static_cast<double>(src[i]) / length);
  });
}

double flops(const Graph& graph, const Node& node) { return 3 * flopsPerOutputElement(graph, node); }

} // namespace

// ONNX LpNormalization: divides every line along `axis` by its p-norm.
extern const OpDef kLpNormalization = {.type = "LpNormalization",
                                       .domain = "",
                                       .versions = {1, 22},
                                       .infer = infer,
                                       .flops = flops,
                                       .reference = reference};

} // namespace tandem::ops
