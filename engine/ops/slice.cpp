// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/strided.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

using Ints = std::vector<std::int64_t>;

/// What a node asks for: entry k cuts axis axes[k]. Axes default to the first ones, steps to one.
struct Cuts {
  Ints starts, ends;
  std::optional<Ints> axes, steps;
  bool known = true;
};

/// One axis of the result: `count` elements from `first` on, `step` apart.
struct Cut {
  std::int64_t first = 0, step = 1, count = 0;
};

/// Start and end clamped as the specification says, so that any 64-bit number is a valid bound.
Cut cutOf(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t length) {
  if (length == 0) return {0, step, 0};
  const std::int64_t high = step > 0 ? length : length - 1;
  auto clamped = [&](std::int64_t bound, std::int64_t low) {
    return std::clamp(bound < 0 ? bound + length : bound, low, high);
  };
  // Backwards from before the first element is the first element, other than in numpy.
  Cut cut{clamped(start, 0), step, 0};
  const std::int64_t last = clamped(end, step > 0 ? 0 : -1);
  // Unsigned, because the negation of the most negative step has no signed counterpart.
  const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::int64_t distance = step > 0 ? last - cut.first : cut.first - last;
  if (distance > 0) cut.count = static_cast<std::int64_t>((static_cast<std::uint64_t>(distance) - 1) / stride + 1);
  return cut;
}

/// One Cut per axis of the input; unknown dims that are cut give kUnknownDim as count.
template <class Context>
Result<std::vector<Cut>> resolve(const Context& context, const Shape& input, const Cuts& cuts) {
  if (cuts.starts.size() != cuts.ends.size()) return context.fail("starts and ends differ in length");
  if (cuts.steps && cuts.steps->size() != cuts.starts.size()) return context.fail("starts and steps differ in length");
  Ints axes(cuts.starts.size());
  for (std::size_t k = 0; k < axes.size(); ++k) axes[k] = static_cast<std::int64_t>(k);
  if (cuts.axes) axes = *cuts.axes;
  if (axes.size() != cuts.starts.size()) return context.fail("starts and axes differ in length");
  std::vector<Cut> result;
  for (std::int64_t dim : input) result.push_back({0, 1, dim});
  const auto normal = TANDEM_TRY(checkedAxes(context, axes, input.rank()));
  for (std::size_t k = 0; k < normal.size(); ++k) {
    const std::int64_t step = cuts.steps ? (*cuts.steps)[k] : 1;
    if (step == 0) return context.fail("a step of zero never ends");
    const std::int64_t length = input[normal[k]];
    if (length == kUnknownDim)
      result[normal[k]].count = kUnknownDim;
    else
      result[normal[k]] = cutOf(cuts.starts[k], cuts.ends[k], step, length);
  }
  return result;
}

Cuts attributeCuts(const Attributes& attributes) {
  Cuts cuts;
  cuts.starts = attributes.getInts("starts");
  cuts.ends = attributes.getInts("ends");
  if (attributes.has("axes")) cuts.axes = attributes.getInts("axes");
  return cuts;
}

/// The cuts of the inputs; `known` is false while one of them is not.
Result<Cuts> knownCuts(const InferContext& context) {
  auto starts = TANDEM_TRY(knownInts(context, 1)), ends = TANDEM_TRY(knownInts(context, 2));
  Cuts cuts;
  cuts.axes = TANDEM_TRY(knownInts(context, 3));
  cuts.steps = TANDEM_TRY(knownInts(context, 4));
  cuts.known = starts && ends && (cuts.axes || !context.hasInput(3)) && (cuts.steps || !context.hasInput(4));
  if (starts) cuts.starts = *starts;
  if (ends) cuts.ends = *ends;
  return cuts;
}

Shape shapeOf(const std::vector<Cut>& cuts) {
  Ints dims;
  for (const Cut& cut : cuts) dims.push_back(cut.count);
  return Shape(std::move(dims));
}

/// Of a slice with unknown bounds, the axes that are not cut keep their dims.
Result<Shape> shapeOfUnknownCuts(const InferContext& context, const Shape& input) {
  auto axes = TANDEM_TRY(knownInts(context, 3));
  if (!axes) {
    auto count = context.hasInput(3) ? std::nullopt : knownLength(context, 1);
    if (!count) return unknownShape(input.rank());
    axes.emplace();
    for (std::int64_t axis = 0; axis < *count; ++axis) axes->push_back(axis);
  }
  Shape shape = input;
  for (std::size_t axis : TANDEM_TRY(checkedAxes(context, *axes, input.rank()))) shape[axis] = kUnknownDim;
  return shape;
}

Result<void> inferSlice(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  Cuts cuts = attributeCuts(context.attributes());
  if (context.version() >= 10) cuts = TANDEM_TRY(knownCuts(context));
  Shape shape;
  if (cuts.known)
    shape = shapeOf(TANDEM_TRY(resolve(context, *input, cuts)));
  else
    shape = TANDEM_TRY(shapeOfUnknownCuts(context, *input));
  context.setOutput(0, context.inputType(0), shape);
  return {};
}

Result<void> slice(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  Cuts cuts = attributeCuts(context.attributes());
  if (context.version() >= 10) {
    cuts.starts = TANDEM_TRY(readInts(context, 1));
    cuts.ends = TANDEM_TRY(readInts(context, 2));
    cuts.axes.reset();
    if (context.hasInput(3)) cuts.axes = TANDEM_TRY(readInts(context, 3));
    if (context.hasInput(4)) cuts.steps = TANDEM_TRY(readInts(context, 4));
  }
  const auto resolved = TANDEM_TRY(resolve(context, x.shape(), cuts));
  const Shape shape = shapeOf(resolved);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  if (y.elements() == 0) return {};
  const std::vector<std::int64_t> strides = x.shape().strides();
  StridedView view{shape.dims(), strides, 0};
  for (std::size_t axis = 0; axis < resolved.size(); ++axis) {
    view.offset += resolved[axis].first * strides[axis];
    // A single element needs no step, and a step that large could not be multiplied.
    view.strides[axis] = resolved[axis].count > 1 ? resolved[axis].step * strides[axis] : 0;
  }
  copyStrided(x.data(), std::move(view), y.mutableData(), byteSize(x.type()));
  return {};
}

constexpr OpDef makeSlice() {
  OpDef def;
  def.type = "Slice";
  def.versions = {1, 10, 11, 13};
  def.maxInputs = 5;
  def.shapeInputs = 0b11110;
  def.infer = inferSlice;
  def.reference = slice;
  return def;
}

} // namespace

// ONNX Slice: a box of the input, with steps of any sign; attributes in version 1, inputs since 10.
extern const OpDef kSlice = makeSlice();

} // namespace tandem::ops
