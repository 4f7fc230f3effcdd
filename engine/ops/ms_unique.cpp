// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <algorithm>
#include <map>

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  context.setOutput(0, context.inputType(0), unknownShape(1));
  const Shape* x = context.inputShape(0);
  context.setOutput(1, DataType::Int64, x && x->rank() == 1 ? *x : unknownShape(1));
  context.setOutput(2, DataType::Int64, unknownShape(1));
  return {};
}

template <class T> Result<void> unique(ReferenceContext& context) {
  using C = ComputeTypeOf<T>;
  const auto x = context.input(0).as<T>();
  std::vector<T> distinct;
  std::vector<std::int64_t> counts, index(x.size());
  std::map<C, std::size_t> seen;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto [at, isNew] = seen.emplace(static_cast<C>(x[i]), distinct.size());
    if (isNew) {
      distinct.push_back(x[i]);
      counts.push_back(0);
    }
    ++counts[at->second];
    index[i] = static_cast<std::int64_t>(at->second);
  }
  const Shape shape{static_cast<std::int64_t>(distinct.size())};
  Tensor y = TANDEM_TRY(makeOutput(context, 0, dataTypeOf<T>(), shape));
  std::copy(distinct.begin(), distinct.end(), y.mutableAs<T>().begin());
  for (std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    if (!context.wantsOutput(i)) continue;
    const std::vector<std::int64_t>& values = i == 1 ? index : counts;
    Tensor out = TANDEM_TRY(makeOutput(context, i, DataType::Int64, i == 1 ? context.input(0).shape() : shape));
    std::copy(values.begin(), values.end(), out.mutableAs<std::int64_t>().begin());
  }
  return {};
}

Result<void> reference(ReferenceContext& context) {
  if (context.input(0).shape().rank() != 1) return context.fail("the input is not a list");
  Result<void> result;
  if (!visitType(context.input(0).type(), [&]<class T>(TypeTag<T>) { result = unique<T>(context); }))
    return unsupportedType(context, context.input(0).type());
  return result;
}

} // namespace

// com.microsoft Unique: of a list, in the order of first occurrence; the index of every element's value; the counts.
extern const OpDef kMsUnique = {.type = "Unique",
                                .domain = "com.microsoft",
                                .versions = {1},
                                .maxOutputs = 3,
                                .infer = infer,
                                .reference = reference};

} // namespace tandem::ops
