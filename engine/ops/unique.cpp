// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace tandem::ops {
namespace {

/// Input seen as `count` slices along an axis (or as its elements), each of `outer` pieces of `inner` elements.
struct Slices {
  std::int64_t outer = 1, count = 1, inner = 1;
};

/// -1, 0 or 1; not-a-numbers are equal to each other and larger than all numbers, as numpy sorts them.
template <class T> int compare(T a, T b) {
  using C = ComputeTypeOf<T>;
  const C x = static_cast<C>(a), y = static_cast<C>(b);
  if (isNaN(x) || isNaN(y)) return static_cast<int>(isNaN(x)) - static_cast<int>(isNaN(y));
  return x < y ? -1 : (y < x ? 1 : 0);
}

template <class T> int compareSlices(const Slices& s, const T* data, std::int64_t a, std::int64_t b) {
  for (std::int64_t o = 0; o < s.outer; ++o) {
    const T *x = data + (o * s.count + a) * s.inner, *y = data + (o * s.count + b) * s.inner;
    for (std::int64_t i = 0; i < s.inner; ++i)
      if (const int order = compare(x[i], y[i])) return order;
  }
  return 0;
}

struct Groups {
  std::vector<std::int64_t> first;   ///< per group: its first slice
  std::vector<std::int64_t> inverse; ///< per slice: its group
  std::vector<std::int64_t> counts;  ///< per group: its slices
};

template <class T> Groups group(const Slices& s, const T* data, bool sorted) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(s.count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return compareSlices(s, data, a, b) < 0; });
  Groups groups;
  groups.inverse.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || compareSlices(s, data, order[i - 1], order[i]) != 0) {
      groups.first.push_back(order[i]); // stable: the first of its kind
      groups.counts.push_back(0);
    }
    groups.inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(groups.first.size()) - 1;
    ++groups.counts.back();
  }
  if (sorted) return groups;
  // In the order in which they come first.
  std::vector<std::int64_t> byFirst(groups.first.size()), rank(groups.first.size());
  std::iota(byFirst.begin(), byFirst.end(), 0);
  const auto at = [](const std::vector<std::int64_t>& list, std::int64_t i) {
    return list[static_cast<std::size_t>(i)];
  };
  std::sort(byFirst.begin(), byFirst.end(),
            [&](std::int64_t a, std::int64_t b) { return at(groups.first, a) < at(groups.first, b); });
  Groups result;
  for (std::size_t i = 0; i < byFirst.size(); ++i) {
    rank[static_cast<std::size_t>(byFirst[i])] = static_cast<std::int64_t>(i);
    result.first.push_back(at(groups.first, byFirst[i]));
    result.counts.push_back(at(groups.counts, byFirst[i]));
  }
  for (std::int64_t index : groups.inverse) result.inverse.push_back(at(rank, index));
  return result;
}

void writeList(ReferenceContext& context, std::size_t output, const std::vector<std::int64_t>& list) {
  if (!context.wantsOutput(output)) return;
  Tensor tensor = context.output(output, DataType::Int64, {static_cast<std::int64_t>(list.size())});
  std::copy(list.begin(), list.end(), tensor.mutableAs<std::int64_t>().begin());
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  Slices slices{1, x.elements(), 1};
  Shape shape{0};
  std::size_t axis = 0;
  if (context.attributes().has("axis")) {
    shape = x.shape();
    axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), shape.rank()));
    slices = {dimProduct(shape, 0, axis), shape[axis], dimProduct(shape, axis + 1, shape.rank())};
  }
  // A slice without elements costs nothing in a file, but an index here.
  constexpr std::int64_t kMaxEmptySlices = std::int64_t{1} << 20;
  if (x.elements() == 0 && slices.count > kMaxEmptySlices) return context.fail("too many empty slices");
  const bool sorted = context.attributes().getInt("sorted", 1) != 0;
  Groups groups;
  const bool known =
      visitOneOf(AllTypes{}, x.type(), [&]<class T>(TypeTag<T>) { groups = group(slices, x.as<T>().data(), sorted); });
  if (!known) return unsupportedType(context, x.type());
  shape[axis] = static_cast<std::int64_t>(groups.first.size());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  const std::size_t row = static_cast<std::size_t>(slices.inner) * byteSize(x.type());
  auto* dst = static_cast<std::byte*>(y.mutableData());
  for (std::int64_t o = 0; o < slices.outer; ++o)
    for (std::int64_t index : groups.first) {
      std::memcpy(
          dst, static_cast<const std::byte*>(x.data()) + static_cast<std::size_t>(o * slices.count + index) * row, row);
      dst += row;
    }
  writeList(context, 1, groups.first);
  writeList(context, 2, groups.inverse);
  writeList(context, 3, groups.counts);
  return {};
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  std::int64_t slices = kUnknownDim;
  if (!context.attributes().has("axis")) {
    context.setOutput(0, type, {kUnknownDim});
    if (x && x->isStatic()) slices = x->elements();
  } else if (x) {
    Shape shape = *x;
    const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), x->rank()));
    slices = shape[axis];
    shape[axis] = kUnknownDim;
    context.setOutput(0, type, std::move(shape));
  } else {
    context.setOutputType(0, type);
  }
  context.setOutput(1, DataType::Int64, {kUnknownDim});
  context.setOutput(2, DataType::Int64, {slices});
  context.setOutput(3, DataType::Int64, {kUnknownDim});
  return {};
}

} // namespace

// ONNX Unique: the different elements (or slices along an axis), sorted or in the order of their first appearance.
extern const OpDef kUnique = {.type = "Unique",
                              .domain = "",
                              .versions = {11, 28},
                              .minOutputs = 1,
                              .maxOutputs = 4,
                              .infer = infer,
                              .reference = reference};

} // namespace tandem::ops
