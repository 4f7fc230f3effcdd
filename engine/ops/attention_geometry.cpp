// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/attention_geometry.hpp"

#include "engine/ops/window.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

/// Far more than any network has; keeps products with head sizes in range.
constexpr std::int64_t kMaxHeads = 1 << 16;

/// The extent that two dims agree on, one of which may be unknown.
Result<std::int64_t> agreed(const Node& node, std::int64_t a, std::int64_t b, std::string_view what) {
  if (a == kUnknownDim || a == b) return b;
  if (b == kUnknownDim) return a;
  return nodeError(node, "the inputs disagree on the " + std::string(what) + ": " + std::to_string(a) + " and " +
                             std::to_string(b));
}

Result<std::int64_t> divided(const Node& node, std::int64_t hidden, std::int64_t heads) {
  if (hidden == kUnknownDim) return hidden;
  if (hidden % heads != 0)
    return nodeError(node, std::to_string(hidden) + " elements do not divide into " + std::to_string(heads) + " heads");
  return hidden / heads;
}

Result<void> readPacked(const Node& node, const Shape& q, const Shape& k, const Shape& v, AttentionGeometry& g) {
  g.queryHeads = node.attributes.getInt("q_num_heads", 0);
  g.kvHeads = node.attributes.getInt("kv_num_heads", 0);
  if (g.queryHeads < 1 || g.kvHeads < 1 || g.queryHeads > kMaxHeads)
    return nodeError(node, "inputs of rank 3 need attributes q_num_heads and kv_num_heads");
  g.queries = q[1];
  g.keys = TANDEM_TRY(agreed(node, k[1], v[1], "number of keys"));
  const std::int64_t keySize = TANDEM_TRY(divided(node, k[2], g.kvHeads));
  g.headSize = TANDEM_TRY(divided(node, q[2], g.queryHeads));
  g.headSize = TANDEM_TRY(agreed(node, g.headSize, keySize, "head size"));
  g.valueSize = TANDEM_TRY(divided(node, v[2], g.kvHeads));
  return {};
}

Result<void> readUnpacked(const Node& node, const Shape& q, const Shape& k, const Shape& v, AttentionGeometry& g) {
  g.queryHeads = q[1];
  g.kvHeads = TANDEM_TRY(agreed(node, k[1], v[1], "number of key heads"));
  g.queries = q[2];
  g.keys = TANDEM_TRY(agreed(node, k[2], v[2], "number of keys"));
  g.headSize = TANDEM_TRY(agreed(node, q[3], k[3], "head size"));
  g.valueSize = v[3];
  return {};
}

Result<void> readPast(const Node& node, const Shape* key, const Shape* value, AttentionGeometry& g) {
  if (!key && !value) return {};
  for (const Shape* past : {key, value}) {
    if (!past) continue;
    if (past->rank() != 4) return nodeError(node, "the past " + past->toString() + " is not of rank 4");
    g.batch = TANDEM_TRY(agreed(node, g.batch, (*past)[0], "batch"));
    g.kvHeads = TANDEM_TRY(agreed(node, g.kvHeads, (*past)[1], "number of key heads"));
    std::int64_t& size = past == key ? g.headSize : g.valueSize;
    size = TANDEM_TRY(agreed(node, size, (*past)[3], "head size of the past"));
  }
  g.past = key ? (*key)[2] : kUnknownDim;
  if (key && value) g.past = TANDEM_TRY(agreed(node, (*key)[2], (*value)[2], "length of the past"));
  return {};
}

Result<void> checkMask(const Node& node, const Shape* mask, const AttentionGeometry& g) {
  if (!mask) return {};
  const Shape scores = g.scoresShape();
  bool fits = mask->rank() <= 4;
  for (std::size_t i = 0; fits && i < mask->rank(); ++i) {
    const std::int64_t have = (*mask)[mask->rank() - 1 - i], want = scores[3 - i];
    if (have == kUnknownDim || want == kUnknownDim) continue;
    fits = i == 0 ? have <= want : have == 1 || have == want;
  }
  if (fits) return {};
  return nodeError(node, "the mask " + mask->toString() + " does not go with scores " + scores.toString());
}

bool holdsPair(const Node& node, std::size_t a, std::size_t b) {
  const auto has = [&](std::size_t i) { return i < node.inputs.size() && node.inputs[i].valid(); };
  return has(a) == has(b);
}

} // namespace

Shape AttentionGeometry::resultShape() const {
  if (!packed) return {batch, queryHeads, queries, valueSize};
  return {batch, queries, valueSize == kUnknownDim ? kUnknownDim : queryHeads * valueSize};
}
Shape AttentionGeometry::presentShape(std::int64_t size) const { return {batch, kvHeads, total(), size}; }
Shape AttentionGeometry::scoresShape() const { return {batch, queryHeads, queries, total()}; }

Result<AttentionGeometry> attentionGeometry(const Node& node, const std::array<const Shape*, 7>& shapes) {
  const Shape &q = *shapes[0], &k = *shapes[1], &v = *shapes[2];
  if ((q.rank() != 3 && q.rank() != 4) || k.rank() != q.rank() || v.rank() != q.rank())
    return nodeError(node, "query " + q.toString() + ", key " + k.toString() + " and value " + v.toString() +
                               " must all be of rank 3 or all of rank 4");
  if (!holdsPair(node, 4, 5)) return nodeError(node, "past_key and past_value come together or not at all");
  AttentionGeometry g;
  g.packed = q.rank() == 3;
  g.batch = TANDEM_TRY(agreed(node, q[0], k[0], "batch"));
  g.batch = TANDEM_TRY(agreed(node, g.batch, v[0], "batch"));
  if (g.packed)
    TANDEM_TRY(readPacked(node, q, k, v, g));
  else
    TANDEM_TRY(readUnpacked(node, q, k, v, g));
  TANDEM_TRY(readPast(node, shapes[4], shapes[5], g));
  const bool headsKnown = g.queryHeads != kUnknownDim && g.kvHeads != kUnknownDim;
  if (headsKnown && (g.kvHeads < 1 || g.queryHeads % g.kvHeads != 0))
    return nodeError(node, std::to_string(g.queryHeads) + " query heads are no multiple of " +
                               std::to_string(g.kvHeads) + " key heads");
  TANDEM_TRY(checkMask(node, shapes[3], g));
  if (const Shape* counts = shapes[6];
      counts && (counts->rank() != 1 || (counts->isStatic() && g.batch >= 0 && (*counts)[0] != g.batch)))
    return nodeError(node, "nonpad_kv_seqlen " + counts->toString() + " does not hold one number per batch entry");
  return g;
}

} // namespace tandem::ops
