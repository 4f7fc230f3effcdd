// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <cstring>
#include <numeric>

namespace tandem::ops {
namespace {

/// Equal parts; since version 18 (num_outputs) the last may be smaller.
template <class Context> Result<std::vector<std::int64_t>> equalParts(const Context& context, std::int64_t length) {
  const auto count = static_cast<std::int64_t>(context.outputCount());
  const std::int64_t wanted = context.attributes().getInt("num_outputs", count);
  if (wanted != count)
    return context.fail("num_outputs is " + std::to_string(wanted) + " for " + std::to_string(count) + " outputs");
  if (length == kUnknownDim) return std::vector<std::int64_t>(context.outputCount(), kUnknownDim);
  const std::int64_t part = length / count + (length % count != 0);
  std::vector<std::int64_t> parts(context.outputCount(), part);
  if (length % count == 0) return parts;
  parts.back() = length - part * (count - 1);
  if (context.version() < 18 || parts.back() < 0)
    return context.fail("cannot split " + std::to_string(length) + " into " + std::to_string(count) + " equal parts");
  return parts;
}

/// Lengths of the parts as the node asks for them (`requested`: attribute or input; nullopt: equal parts).
template <class Context>
Result<std::vector<std::int64_t>> partLengths(const Context& context, std::int64_t length,
                                              const std::optional<std::vector<std::int64_t>>& requested) {
  if (!requested) return equalParts(context, length);
  if (requested->size() != context.outputCount())
    return context.fail(std::to_string(requested->size()) + " parts are given for " +
                        std::to_string(context.outputCount()) + " outputs");
  std::int64_t rest = length;
  for (std::int64_t part : *requested) {
    if (part < 0 || (length != kUnknownDim && part > rest))
      return context.fail("the parts do not add up to the dimension " + std::to_string(length));
    if (length != kUnknownDim) rest -= part;
  }
  if (length != kUnknownDim && rest != 0)
    return context.fail("the parts do not add up to the dimension " + std::to_string(length));
  return *requested;
}

std::optional<std::vector<std::int64_t>> attributeParts(const Attributes& attributes) {
  if (!attributes.has("split")) return std::nullopt;
  return attributes.getInts("split");
}

/// The parts come from input 1 in version 1 (optionally) and since version 13.
bool partsAreInput(const Node& node) {
  return (node.version == 1 || node.version >= 13) && node.inputs.size() > 1 && node.inputs[1].valid();
}

Result<void> inferSplit(InferContext& context) {
  const DataType type = context.inputType(0);
  for (std::size_t i = 0; i < context.outputCount(); ++i) context.setOutputType(i, type);
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), input->rank()));
  std::vector<std::int64_t> parts(context.outputCount(), kUnknownDim);
  auto requested = attributeParts(context.attributes());
  if (partsAreInput(context.node())) requested = TANDEM_TRY(knownInts(context, 1));
  if (requested || !partsAreInput(context.node())) parts = TANDEM_TRY(partLengths(context, (*input)[axis], requested));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Shape shape = *input;
    shape[axis] = parts[i];
    context.setOutput(i, type, shape);
  }
  return {};
}

Result<void> split(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), x.shape().rank()));
  auto requested = attributeParts(context.attributes());
  if (partsAreInput(context.node())) requested = TANDEM_TRY(readInts(context, 1));
  const auto parts = TANDEM_TRY(partLengths(context, x.shape()[axis], requested));
  const std::int64_t outer = dimProduct(x.shape(), 0, axis);
  const std::int64_t inner = dimProduct(x.shape(), axis + 1, x.shape().rank());
  const std::size_t unit = static_cast<std::size_t>(inner) * byteSize(x.type());
  const std::size_t rowBytes = static_cast<std::size_t>(x.shape()[axis]) * unit;
  std::size_t offset = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t blockBytes = static_cast<std::size_t>(parts[i]) * unit;
    if (context.wantsOutput(i)) {
      Shape shape = x.shape();
      shape[axis] = parts[i];
      Tensor out = TANDEM_TRY(makeOutput(context, i, x.type(), shape));
      for (std::size_t o = 0; blockBytes > 0 && o < static_cast<std::size_t>(outer); ++o)
        std::memcpy(static_cast<std::byte*>(out.mutableData()) + o * blockBytes,
                    static_cast<const std::byte*>(x.data()) + o * rowBytes + offset, blockBytes);
    }
    offset += blockBytes;
  }
  return {};
}

constexpr OpDef makeSplit() {
  OpDef def;
  def.type = "Split";
  def.versions = {1, 2, 11, 13, 18};
  def.maxInputs = 2;
  def.maxOutputs = 255;
  def.shapeInputs = 1u << 1;
  def.infer = inferSplit;
  def.reference = split;
  return def;
}

} // namespace

// ONNX Split: parts along one axis, of given lengths or equal ones.
extern const OpDef kSplit = makeSplit();

} // namespace tandem::ops
