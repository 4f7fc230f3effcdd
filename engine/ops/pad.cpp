// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

using Ints = std::vector<std::int64_t>;

/// Elements to add before and after every axis; negative ones are cut off.
struct Padding {
  Ints before, after;
};

// No tensor comes near this; sums of a few such numbers cannot overflow.
constexpr std::int64_t kLargestPad = std::int64_t{1} << 48;

/// `pads` lists the amounts before, then those after, for `axes` (or all axes).
template <class Context>
Result<Padding> resolve(const Context& context, std::size_t rank, const Ints& pads, const std::optional<Ints>& axes) {
  std::vector<std::size_t> normal(rank);
  for (std::size_t i = 0; i < rank; ++i) normal[i] = i;
  if (axes) normal = TANDEM_TRY(checkedAxes(context, *axes, rank));
  if (pads.size() != 2 * normal.size())
    return context.fail(std::to_string(pads.size()) + " pads are given for " + std::to_string(normal.size()) + " axes");
  for (std::int64_t pad : pads)
    if (pad > kLargestPad || pad < -kLargestPad)
      return context.fail("a pad of " + std::to_string(pad) + " is too large");
  Padding padding{Ints(rank, 0), Ints(rank, 0)};
  for (std::size_t k = 0; k < normal.size(); ++k) {
    padding.before[normal[k]] = pads[k];
    padding.after[normal[k]] = pads[normal.size() + k];
  }
  return padding;
}

template <class Context> Result<Shape> paddedShape(const Context& context, const Shape& input, const Padding& padding) {
  Shape shape = input;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == kUnknownDim) continue;
    if (shape[axis] > kLargestPad) return context.fail("the padded shape is too large");
    shape[axis] += padding.before[axis] + padding.after[axis];
    if (shape[axis] < 0) return context.fail("the pads cut more off " + input.toString() + " than there is");
  }
  return shape;
}

/// Versions 1 and 2 have the pads as an attribute, under two names.
Ints attributePads(const Node& node) { return node.attributes.getInts(node.version < 2 ? "paddings" : "pads"); }

Result<void> inferPad(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  std::optional<Ints> pads = attributePads(context.node()), axes;
  if (context.version() >= 11) {
    pads = TANDEM_TRY(knownInts(context, 1));
    axes = TANDEM_TRY(knownInts(context, 3));
  }
  Shape shape = unknownShape(input->rank());
  if (pads && (axes || !context.hasInput(3))) {
    const Padding padding = TANDEM_TRY(resolve(context, input->rank(), *pads, axes));
    shape = TANDEM_TRY(paddedShape(context, *input, padding));
  }
  context.setOutput(0, context.inputType(0), shape);
  return {};
}

constexpr std::int64_t kFill = -1;

/// Source index for every result index along one axis; kFill where the constant goes. `kept` is the part of the axis
/// [first, first + length) that negative pads leave; the modes repeat that part only.
Result<Ints> axisMap(const ReferenceContext& context, std::string_view mode, std::int64_t dim, std::int64_t before,
                     std::int64_t after) {
  const std::int64_t first = std::max<std::int64_t>(-before, 0);
  const std::int64_t length = dim - first - std::max<std::int64_t>(-after, 0);
  Ints map(static_cast<std::size_t>(dim + before + after), kFill);
  const std::int64_t lead = std::max<std::int64_t>(before, 0);
  const bool outside = lead > 0 || after > 0;
  if (length <= 0 && outside && mode != "constant" && !map.empty())
    return context.fail("mode " + std::string(mode) + " has nothing to repeat");
  const std::int64_t period = mode == "reflect" ? std::max<std::int64_t>(2 * (length - 1), 1) : length;
  for (std::size_t i = 0; i < map.size(); ++i) {
    std::int64_t at = static_cast<std::int64_t>(i) - lead;
    if (at < 0 || at >= length) {
      if (mode == "constant") continue;
      if (mode == "edge") {
        at = at < 0 ? 0 : length - 1;
      } else { // wrap, or reflect without repeating the border
        at = (at % period + period) % period;
        if (mode == "reflect" && at >= length) at = period - at;
      }
    }
    map[i] = first + at;
  }
  return map;
}

/// The element to fill with, as raw bytes of the data's type.
Result<Tensor> fillElement(const ReferenceContext& context) {
  const DataType type = context.input(0).type();
  if (context.version() >= 11 && context.hasInput(2)) {
    const Tensor& value = context.input(2);
    if (value.type() != type || value.elements() != 1)
      return context.fail("constant_value must be one element of type " + std::string(toString(type)) + ", not " +
                          value.desc().toString());
    return value;
  }
  Tensor value = Tensor::zeros({type, Shape{}});
  const float number = context.version() < 11 ? context.attributes().getFloat("value", 0.0f) : 0.0f;
  visitType(type, [&]<class T>(TypeTag<T>) { value.mutableAs<T>()[0] = convert<T>(number); });
  return value;
}

template <class T> void fillPadded(const Tensor& x, const std::vector<Ints>& maps, T fill, Tensor& out) {
  const T* src = static_cast<const T*>(x.data());
  T* dst = static_cast<T*>(out.mutableData());
  const std::size_t rank = maps.size();
  if (rank == 0) {
    *dst = *src;
    return;
  }
  const std::vector<std::int64_t> strides = x.shape().strides();
  const Ints& inner = maps.back();
  const auto length = static_cast<std::int64_t>(inner.size()), total = out.elements();
  std::vector<std::size_t> index(rank, 0);
  for (std::int64_t done = 0; done < total; done += length) {
    std::int64_t base = 0;
    bool filled = false;
    for (std::size_t axis = 0; axis + 1 < rank; ++axis) {
      filled |= maps[axis][index[axis]] == kFill;
      base += maps[axis][index[axis]] * strides[axis];
    }
    if (filled) {
      std::fill_n(dst + done, length, fill);
    } else {
      for (std::int64_t i = 0; i < length; ++i) {
        const std::int64_t at = inner[static_cast<std::size_t>(i)];
        dst[done + i] = at == kFill ? fill : src[base + at];
      }
    }
    for (std::size_t axis = rank - 1; axis-- > 0;) {
      if (++index[axis] < maps[axis].size()) break;
      index[axis] = 0;
    }
  }
}

Result<void> pad(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  Ints pads = attributePads(context.node());
  std::optional<Ints> axes;
  if (context.version() >= 11) {
    if (!context.hasInput(1)) return context.fail("the pads are missing");
    pads = TANDEM_TRY(readInts(context, 1));
    if (context.hasInput(3)) axes = TANDEM_TRY(readInts(context, 3));
  }
  const std::string_view mode = context.attributes().getString("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return context.fail("mode '" + std::string(mode) + "' is not known");
  const Padding padding = TANDEM_TRY(resolve(context, x.shape().rank(), pads, axes));
  const Shape shape = TANDEM_TRY(paddedShape(context, x.shape(), padding));
  const Tensor fill = TANDEM_TRY(fillElement(context));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  if (out.elements() == 0) return {};
  std::vector<Ints> maps;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    maps.push_back(TANDEM_TRY(axisMap(context, mode, x.shape()[axis], padding.before[axis], padding.after[axis])));
  visitBytes(x.type(), [&]<class T>(TypeTag<T>) { fillPadded<T>(x, maps, *static_cast<const T*>(fill.data()), out); });
  return {};
}

constexpr OpDef makePad() {
  OpDef def;
  def.type = "Pad";
  def.versions = {1, 2, 11, 13, 18, 19, 21, 23, 24, 25};
  def.maxInputs = 4;
  def.shapeInputs = 0b1010;
  def.infer = inferPad;
  def.reference = pad;
  return def;
}

} // namespace

// ONNX Pad: borders of a constant or of repeated elements; negative pads cut off.
extern const OpDef kPad = makePad();

} // namespace tandem::ops
