// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_attention_common.hpp"
#include "engine/ops/unary.hpp"

namespace tandem::ops {
namespace {

/// Where the heads lie: x is [batch][steps][heads * size] or [batch][heads][steps][size].
struct Layout {
  std::int64_t batch = 1, steps = 1, heads = 1, size = 1;
  bool headsFirst = false;
  std::int64_t offset(std::int64_t b, std::int64_t s, std::int64_t h) const {
    return (headsFirst ? (b * heads + h) * steps + s : (b * steps + s) * heads + h) * size;
  }
};

Result<Layout> layoutOf(const ReferenceContext& context, std::int64_t half) {
  const Shape& x = context.input(0).shape();
  const std::int64_t heads = context.attributes().getInt("num_heads", 0);
  const std::int64_t width = context.attributes().getInt("rotary_embedding_dim", 0);
  Layout layout;
  if (x.rank() == 4) {
    layout = {x[0], x[2], x[1], x[3], true};
  } else if (x.rank() == 3) {
    layout = {x[0], x[1], 1, 2 * half, false};
    if (width > 0 && heads > 0) layout.size = x[2] / heads;
    if (layout.size < 1 || x[2] % layout.size != 0)
      return context.fail("heads of " + std::to_string(layout.size) + " do not divide " + x.toString());
    layout.heads = x[2] / layout.size;
  } else {
    return context.fail("an input of shape " + x.toString() + " has no heads");
  }
  if (2 * half > layout.size || (width > 0 && width != 2 * half))
    return context.fail("caches for " + std::to_string(2 * half) + " numbers do not go with heads of " +
                        std::to_string(layout.size));
  return layout;
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &x = context.input(0), &ids = context.input(1), &cosines = context.input(2), &sines = context.input(3);
  if (!isFloating(x.type()) || x.type() == DataType::Float64) return unsupportedType(context, x.type());
  if (cosines.shape().rank() != 2 || sines.shape() != cosines.shape())
    return context.fail("the caches are " + cosines.shape().toString() + " and " + sines.shape().toString());
  const std::int64_t half = cosines.shape()[1];
  const Layout layout = TANDEM_TRY(layoutOf(context, half));
  if (!isInteger(ids.type()) || (ids.elements() != 1 && ids.elements() != layout.batch * layout.steps))
    return context.fail("position_ids of shape " + ids.shape().toString() + " do not go with the input");
  const Elements<float> cosineCache(cosines), sineCache(sines), source(x);
  const Rotation rotation{cosineCache.data(), sineCache.data(), cosines.shape()[0], half,
                          context.attributes().getInt("interleaved", 0) != 0};
  const std::vector<std::int64_t> positions = ids.toInts();
  // One number is the position of the first step.
  const bool isOffset = ids.elements() == 1 && ids.shape().rank() < 2;
  Results<float> y(TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape())));
  std::copy_n(source.data(), x.elements(), y.data());
  for (std::int64_t b = 0; b < layout.batch; ++b)
    for (std::int64_t s = 0; s < layout.steps; ++s) {
      const std::int64_t position =
          isOffset ? positions[0] + s : positions[static_cast<std::size_t>(b * layout.steps + s)];
      if (position < 0 || position >= rotation.positions)
        return context.fail("position " + std::to_string(position) + " is outside the caches");
      for (std::int64_t h = 0; h < layout.heads; ++h) rotate(rotation, position, y.data() + layout.offset(b, s, h));
    }
  y.store();
  return {};
}

} // namespace

// com.microsoft RotaryEmbedding: input, position_ids, cos_cache, sin_cache; attributes interleaved, num_heads and
// rotary_embedding_dim.
extern const OpDef kMsRotaryEmbedding = {.type = "RotaryEmbedding",
                                         .domain = "com.microsoft",
                                         .versions = {1},
                                         .minInputs = 4,
                                         .maxInputs = 4,
                                         .infer = inferSameAsInput,
                                         .flops = flopsPerOutputElement,
                                         .reference = reference};

} // namespace tandem::ops
