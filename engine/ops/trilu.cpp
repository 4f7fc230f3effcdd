// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::ops {
namespace {

Result<void> inferTrilu(InferContext& context) {
  const Shape* input = context.inputShape(0);
  if (input && input->rank() < 2) return context.fail("the input must have at least two dimensions");
  return inferSameAsInput(context);
}

Result<void> trilu(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::size_t rank = x.shape().rank();
  if (rank < 2) return context.fail("the input must have at least two dimensions");
  std::int64_t diagonal = 0;
  if (context.hasInput(1)) {
    const auto ks = TANDEM_TRY(readInts(context, 1));
    if (ks.size() != 1) return context.fail("k must be one integer");
    diagonal = ks[0];
  }
  const bool upper = context.attributes().getInt("upper", 1) != 0;
  const std::int64_t rows = x.shape()[rank - 2], columns = x.shape()[rank - 1];
  // Beyond the matrix every diagonal is alike; the clamp keeps row + diagonal from overflowing.
  diagonal = std::clamp(diagonal, -rows - 1, columns + 1);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape()));
  std::memset(y.mutableData(), 0, y.bytes());
  const std::size_t elementBytes = byteSize(x.type());
  const std::int64_t lines = columns > 0 ? x.elements() / columns : 0;
  for (std::int64_t line = 0; line < lines; ++line) {
    const std::int64_t cut = std::clamp(line % rows + diagonal + (upper ? 0 : 1), std::int64_t{0}, columns);
    const std::int64_t first = upper ? cut : 0, last = upper ? columns : cut;
    const std::size_t offset = static_cast<std::size_t>(line * columns + first) * elementBytes;
    std::memcpy(static_cast<std::byte*>(y.mutableData()) + offset, static_cast<const std::byte*>(x.data()) + offset,
                static_cast<std::size_t>(last - first) * elementBytes);
  }
  return {};
}

constexpr OpDef makeTrilu() {
  OpDef def;
  def.type = "Trilu";
  def.versions = {14};
  def.maxInputs = 2;
  def.shapeInputs = 1u << 1;
  def.infer = inferTrilu;
  def.reference = trilu;
  return def;
}

} // namespace

// ONNX Trilu: the upper or lower triangle of matrices, from diagonal k on; zero elsewhere.
extern const OpDef kTrilu = makeTrilu();

} // namespace tandem::ops
