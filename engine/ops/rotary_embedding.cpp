// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/rotate_pairs.hpp"
#include "engine/ops/unary.hpp"
#include "engine/ops/window.hpp"

namespace tandem::ops {
namespace {

enum Input : std::size_t { kX, kCosine, kSine, kPositions };

struct Geometry {
  std::int64_t batch = 1, heads = 1, steps = 1, headSize = 1;
  std::int64_t rotated = 1; ///< leading elements of a head that rotate, an even number
  bool headsFirst = false;  ///< [batch][heads][steps][size]; else [batch][steps][heads][size]
};

/// `x` is static.
Result<Geometry> geometryOf(const Node& node, const Shape& x) {
  Geometry g;
  if (x.rank() != 3 && x.rank() != 4) return nodeError(node, "the input " + x.toString() + " is not of rank 3 or 4");
  g.headsFirst = x.rank() == 4;
  g.heads = g.headsFirst ? x[1] : node.attributes.getInt("num_heads", 0);
  if (!g.headsFirst && (g.heads < 1 || x[2] % g.heads != 0))
    return nodeError(node, "num_heads " + std::to_string(g.heads) + " does not divide " + x.toString());
  g.batch = x[0];
  g.steps = g.headsFirst ? x[2] : x[1];
  g.headSize = g.headsFirst ? x[3] : x[2] / g.heads;
  g.rotated = node.attributes.getInt("rotary_embedding_dim", 0);
  if (g.rotated == 0) g.rotated = g.headSize;
  if (g.rotated < 0 || g.rotated > g.headSize || g.rotated % 2 != 0)
    return nodeError(node, "cannot rotate " + std::to_string(g.rotated) + " of " + std::to_string(g.headSize) +
                               " elements in pairs");
  return g;
}

/// Row of the caches for every (batch, step).
Result<std::vector<std::int64_t>> cacheRows(const ReferenceContext& context, const Geometry& g) {
  const Shape &cosine = context.input(kCosine).shape(), &sine = context.input(kSine).shape();
  const bool byPosition = context.hasInput(kPositions);
  const Shape wanted =
      byPosition ? Shape{cosine.rank() ? cosine[0] : 0, g.rotated / 2} : Shape{g.batch, g.steps, g.rotated / 2};
  if (cosine != sine || cosine != wanted)
    return context.fail("the caches " + cosine.toString() + " and " + sine.toString() + " are not " +
                        wanted.toString());
  std::vector<std::int64_t> rows(static_cast<std::size_t>(g.batch * g.steps));
  if (!byPosition) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
    return rows;
  }
  const Tensor& positions = context.input(kPositions);
  if (!isInteger(positions.type()) || positions.shape() != Shape{g.batch, g.steps})
    return context.fail("position_ids " + positions.desc().toString() + " are not one integer per token");
  rows = positions.toInts();
  for (std::int64_t& row : rows) {
    if (row < -cosine[0] || row >= cosine[0])
      return context.fail("position " + std::to_string(row) + " is outside the caches");
    if (row < 0) row += cosine[0];
  }
  return rows;
}

template <class C>
void rotate(ReferenceContext& context, const Geometry& g, const std::vector<std::int64_t>& rows, Tensor result) {
  const Tensor& input = context.input(kX);
  const bool interleaved = context.attributes().getInt("interleaved", 0) != 0;
  const Elements<C> x(input), cosines(context.input(kCosine)), sines(context.input(kSine));
  Results<C> y(std::move(result));
  const std::int64_t half = g.rotated / 2;
  for (std::int64_t b = 0; b < g.batch; ++b)
    for (std::int64_t h = 0; h < g.heads; ++h)
      for (std::int64_t t = 0; t < g.steps; ++t) {
        const std::int64_t line = g.headsFirst ? (b * g.heads + h) * g.steps + t : (b * g.steps + t) * g.heads + h;
        const std::int64_t row = rows[static_cast<std::size_t>(b * g.steps + t)];
        C* head = std::copy_n(x.data() + line * g.headSize, g.headSize, y.data() + line * g.headSize) - g.headSize;
        rotatePairs(half, interleaved, cosines.data() + row * half, sines.data() + row * half, head);
      }
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  const Geometry g = TANDEM_TRY(geometryOf(context.node(), context.input(kX).shape()));
  for (std::size_t index : {kCosine, kSine}) TANDEM_TRY(requireSameType(context, kX, index));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, context.input(kX).type(), context.input(kX).shape()));
  const std::vector<std::int64_t> rows = TANDEM_TRY(cacheRows(context, g));
  if (!visitCompute(context.input(kX).type(), [&]<class C>(TypeTag<C>) { rotate<C>(context, g, rows, y); }))
    return unsupportedType(context, context.input(kX).type());
  return {};
}

Result<void> infer(InferContext& context) {
  const Shape* x = context.inputShape(kX);
  if (x && x->isStatic()) TANDEM_TRY(geometryOf(context.node(), *x));
  return inferSameAsInput(context);
}

double flops(const Graph& graph, const Node& node) { return 3 * flopsPerOutputElement(graph, node); }

} // namespace

// ONNX RotaryEmbedding: pairs of elements of each head turn by an angle that depends on the token's position.
extern const OpDef kRotaryEmbedding = {.type = "RotaryEmbedding",
                                       .domain = "",
                                       .versions = {23},
                                       .minInputs = 3,
                                       .maxInputs = 4,
                                       .infer = infer,
                                       .flops = flops,
                                       .reference = reference};

} // namespace tandem::ops
