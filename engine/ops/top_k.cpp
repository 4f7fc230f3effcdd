// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <algorithm>
#include <numeric>

namespace tandem::ops {
namespace {

/// `length` elements give `k` of them; kUnknownDim is allowed for both.
template <class Context>
Result<Shape> topKShape(const Context& context, const Shape& input, std::size_t axis, std::int64_t k) {
  if (k < 0 || (input[axis] != kUnknownDim && k > input[axis]))
    return context.fail("cannot take " + std::to_string(k) + " of " + std::to_string(input[axis]) + " elements");
  Shape shape = input;
  shape[axis] = k;
  return shape;
}

Result<void> inferTopK(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  context.setOutputType(1, DataType::Int64);
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", -1), input->rank()));
  std::optional<std::int64_t> k;
  if (context.version() < 10) {
    k = context.attributes().getInt("k", -1);
  } else if (auto known = TANDEM_TRY(knownInts(context, 1))) {
    if (known->size() != 1) return context.fail("K must be one integer");
    k = known->front();
  }
  Shape shape = *input;
  shape[axis] = kUnknownDim;
  if (k) shape = TANDEM_TRY(topKShape(context, *input, axis, *k));
  context.setOutput(0, context.inputType(0), shape);
  context.setOutput(1, DataType::Int64, shape);
  return {};
}

/// The first k of the line's indices, best first, lower index first among equals. NaN counts as the largest number, so
/// that the order is total.
template <class C>
void selectLine(const std::vector<C>& line, bool largest, std::int64_t k, std::vector<std::int64_t>& order) {
  std::iota(order.begin(), order.end(), std::int64_t{0});
  auto less = [](C a, C b) { return isNaN(b) ? !isNaN(a) : a < b; };
  std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](std::int64_t i, std::int64_t j) {
    const C a = line[static_cast<std::size_t>(i)], b = line[static_cast<std::size_t>(j)];
    if (largest ? less(b, a) : less(a, b)) return true;
    if (largest ? less(a, b) : less(b, a)) return false;
    return i < j;
  });
}

// `sorted=0` allows any order; ours is sorted anyway.
Result<void> topK(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", -1), x.shape().rank()));
  std::vector<std::int64_t> ks{context.attributes().getInt("k", -1)};
  if (context.version() >= 10) ks = TANDEM_TRY(readInts(context, 1));
  if (ks.size() != 1) return context.fail("K must be one integer");
  const std::int64_t k = ks[0], length = x.shape()[axis];
  const bool largest = context.attributes().getInt("largest", 1) != 0;
  const Shape shape = TANDEM_TRY(topKShape(context, x.shape(), axis, k));
  const std::int64_t outer = dimProduct(shape, 0, axis), inner = dimProduct(shape, axis + 1, shape.rank());

  Tensor values, indices;
  if (context.wantsOutput(0)) values = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  if (context.wantsOutput(1)) indices = TANDEM_TRY(makeOutput(context, 1, DataType::Int64, shape));
  const bool known = visitOneOf(NumericTypes{}, x.type(), [&]<class T>(TypeTag<T>) {
    using C = ComputeTypeOf<T>;
    const T* src = x.as<T>().data();
    std::vector<C> line(static_cast<std::size_t>(length));
    std::vector<std::int64_t> order(line.size());
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t i = 0; i < inner; ++i) {
        const T* from = src + o * length * inner + i;
        for (std::int64_t j = 0; j < length; ++j) line[static_cast<std::size_t>(j)] = static_cast<C>(from[j * inner]);
        selectLine(line, largest, k, order);
        for (std::int64_t j = 0; j < k; ++j) {
          const std::int64_t chosen = order[static_cast<std::size_t>(j)], at = (o * k + j) * inner + i;
          if (values.defined()) values.mutableAs<T>()[static_cast<std::size_t>(at)] = from[chosen * inner];
          if (indices.defined()) indices.mutableAs<std::int64_t>()[static_cast<std::size_t>(at)] = chosen;
        }
      }
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

constexpr OpDef makeTopK() {
  OpDef def;
  def.type = "TopK";
  def.versions = {1, 10, 11, 24};
  def.maxInputs = 2;
  def.minOutputs = def.maxOutputs = 2;
  def.shapeInputs = 1u << 1;
  def.infer = inferTopK;
  def.flops = [](const Graph& graph, const Node& node) {
    return static_cast<double>(graph.value(node.inputs[0]).desc.shape.elements());
  };
  def.reference = topK;
  return def;
}

} // namespace

// ONNX TopK: the k largest or smallest elements along an axis and where they were.
extern const OpDef kTopK = makeTopK();

} // namespace tandem::ops
