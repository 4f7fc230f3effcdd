// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include "engine/base/checked.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// Version 1 repeats one axis: inputs are the count and the axis. Since version 6 there is a count for every axis.
template <class Context>
Result<std::vector<std::int64_t>> repeatsOf(const Context& context, std::vector<std::int64_t> first,
                                            const std::vector<std::int64_t>& second, std::size_t rank) {
  if (context.version() < 6) {
    if (first.size() != 1 || second.size() != 1) return context.fail("tiles and axis must be one integer each");
    std::vector<std::int64_t> repeats(rank, 1);
    repeats[TANDEM_TRY(checkedAxis(context, second[0], rank))] = first[0];
    first = std::move(repeats);
  }
  if (first.size() != rank)
    return context.fail(std::to_string(first.size()) + " repeats are given for rank " + std::to_string(rank));
  for (std::int64_t repeat : first)
    if (repeat < 0) return context.fail("a repeat is negative");
  return first;
}

template <class Context>
Result<Shape> tiledShape(const Context& context, const Shape& input, std::span<const std::int64_t> repeats) {
  Shape shape = input;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == kUnknownDim) continue;
    auto dim = checkedMul(shape[axis], repeats[axis]);
    if (!dim) return context.fail("the tiled shape is too large");
    shape[axis] = *dim;
  }
  return shape;
}

Result<void> inferTile(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  auto first = TANDEM_TRY(knownInts(context, 1));
  std::optional<std::vector<std::int64_t>> second(std::in_place);
  if (context.version() < 6) second = TANDEM_TRY(knownInts(context, 2));
  Shape shape = unknownShape(input->rank());
  if (first && second) {
    const auto repeats = TANDEM_TRY(repeatsOf(context, *first, *second, input->rank()));
    shape = TANDEM_TRY(tiledShape(context, *input, repeats));
  }
  context.setOutput(0, context.inputType(0), shape);
  return {};
}

/// Innermost axis first: the block built so far is laid out `repeats` times, then the next axis outwards.
void tileInto(const Tensor& x, std::span<const std::int64_t> repeats, Tensor& out) {
  const Shape& shape = x.shape();
  std::vector<std::byte> from(x.bytes()), to;
  std::memcpy(from.data(), x.data(), x.bytes());
  std::size_t blockBytes = byteSize(x.type());
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    blockBytes *= static_cast<std::size_t>(shape[axis]);
    const auto count = static_cast<std::size_t>(repeats[axis]);
    if (count == 1) continue;
    to.resize(from.size() * count);
    std::byte* at = to.data();
    for (std::size_t block = 0; block < from.size(); block += blockBytes)
      for (std::size_t k = 0; k < count; ++k, at += blockBytes) std::memcpy(at, from.data() + block, blockBytes);
    blockBytes *= count;
    from.swap(to);
  }
  std::memcpy(out.mutableData(), from.data(), from.size());
}

Result<void> tile(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  std::vector<std::int64_t> second;
  if (context.version() < 6) {
    if (!context.hasInput(2)) return context.fail("the axis is missing");
    second = TANDEM_TRY(readInts(context, 2));
  }
  std::vector<std::int64_t> first = TANDEM_TRY(readInts(context, 1));
  const auto repeats = TANDEM_TRY(repeatsOf(context, std::move(first), second, x.shape().rank()));
  const Shape shape = TANDEM_TRY(tiledShape(context, x.shape(), repeats));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  if (out.elements() > 0) tileInto(x, repeats, out);
  return {};
}

constexpr OpDef makeTile() {
  OpDef def;
  def.type = "Tile";
  def.versions = {1, 6, 13};
  def.minInputs = 2;
  def.maxInputs = 3;
  def.shapeInputs = 0b110;
  def.infer = inferTile;
  def.reference = tile;
  return def;
}

} // namespace

// ONNX Tile: the input repeated along its axes.
extern const OpDef kTile = makeTile();

} // namespace tandem::ops
