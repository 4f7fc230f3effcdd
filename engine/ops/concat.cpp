// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include "engine/base/checked.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// Version 1 has a default axis; later ones demand one, and negative ones came with version 11.
template <class Context> Result<std::size_t> concatAxis(const Context& context, std::size_t rank) {
  if (context.version() >= 4 && !context.attributes().has("axis")) return context.fail("the attribute axis is missing");
  return checkedAxis(context, context.attributes().getInt("axis", 1), rank);
}

/// `joined` with `next` behind it along the axis.
template <class Context>
Result<Shape> append(const Context& context, const Shape& joined, const Shape& next, std::size_t axis) {
  if (next.rank() != joined.rank()) return context.fail("cannot join " + joined.toString() + " and " + next.toString());
  Shape result = joined;
  for (std::size_t i = 0; i < joined.rank(); ++i) {
    const std::int64_t a = joined[i], b = next[i];
    if (i == axis) {
      if (a == kUnknownDim || b == kUnknownDim) {
        result[i] = kUnknownDim;
        continue;
      }
      auto sum = checkedAdd(a, b);
      if (!sum) return context.fail("the joined dimension overflows");
      result[i] = *sum;
    } else if (a == kUnknownDim) {
      result[i] = b;
    } else if (b != kUnknownDim && a != b) {
      return context.fail("cannot join " + joined.toString() + " and " + next.toString() + " along axis " +
                          std::to_string(axis));
    }
  }
  return result;
}

Result<void> inferConcat(InferContext& context) {
  const DataType type = context.inputType(0);
  context.setOutputType(0, type);
  std::optional<Shape> joined;
  bool complete = true;
  for (std::size_t i = 0; i < context.inputCount(); ++i) {
    const Shape* shape = context.inputShape(i);
    if (!shape) {
      complete = false;
      continue;
    }
    const std::size_t axis = TANDEM_TRY(concatAxis(context, shape->rank()));
    joined = joined ? TANDEM_TRY(append(context, *joined, *shape, axis)) : *shape;
  }
  if (!joined) return {};
  if (!complete) (*joined)[TANDEM_TRY(concatAxis(context, joined->rank()))] = kUnknownDim;
  context.setOutput(0, type, *joined);
  return {};
}

Result<void> concat(ReferenceContext& context) {
  Shape joined = context.input(0).shape();
  const std::size_t axis = TANDEM_TRY(concatAxis(context, joined.rank()));
  for (std::size_t i = 1; i < context.inputCount(); ++i) {
    TANDEM_TRY(requireSameType(context, 0, i));
    joined = TANDEM_TRY(append(context, joined, context.input(i).shape(), axis));
  }
  const DataType type = context.input(0).type();
  Tensor out = TANDEM_TRY(makeOutput(context, 0, type, joined));
  if (out.elements() == 0) return {};
  const auto outer = static_cast<std::size_t>(dimProduct(joined, 0, axis));
  const std::size_t rowBytes = out.bytes() / outer;
  std::size_t offset = 0;
  for (std::size_t i = 0; i < context.inputCount(); ++i) {
    const Tensor& x = context.input(i);
    const std::size_t blockBytes = x.bytes() / outer;
    for (std::size_t o = 0; o < outer; ++o)
      std::memcpy(static_cast<std::byte*>(out.mutableData()) + o * rowBytes + offset,
                  static_cast<const std::byte*>(x.data()) + o * blockBytes, blockBytes);
    offset += blockBytes;
  }
  return {};
}

constexpr OpDef makeConcat() {
  OpDef def;
  def.type = "Concat";
  def.versions = {1, 4, 11, 13};
  def.maxInputs = 255;
  def.infer = inferConcat;
  def.reference = concat;
  return def;
}

} // namespace

// ONNX Concat: tensors joined along one axis.
extern const OpDef kConcat = makeConcat();

} // namespace tandem::ops
