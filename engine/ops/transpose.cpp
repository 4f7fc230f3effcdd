// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/strided.hpp"

namespace tandem::ops {
namespace {

/// Source axis of every result axis; reversed where the node names none.
template <class Context> Result<std::vector<std::size_t>> permutation(const Context& context, std::size_t rank) {
  const std::vector<std::int64_t> perm = context.attributes().getInts("perm");
  if (!context.attributes().has("perm")) {
    std::vector<std::size_t> reversed(rank);
    for (std::size_t i = 0; i < rank; ++i) reversed[i] = rank - 1 - i;
    return reversed;
  }
  if (perm.size() != rank)
    return context.fail("perm has " + std::to_string(perm.size()) + " entries for a tensor of rank " +
                        std::to_string(rank));
  return checkedAxes(context, perm, rank);
}

Result<void> inferTranspose(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  std::vector<std::int64_t> dims;
  for (std::size_t axis : TANDEM_TRY(permutation(context, input->rank()))) dims.push_back((*input)[axis]);
  context.setOutput(0, context.inputType(0), Shape(std::move(dims)));
  return {};
}

Result<void> transpose(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::vector<std::int64_t> strides = x.shape().strides();
  StridedView view;
  for (std::size_t axis : TANDEM_TRY(permutation(context, x.shape().rank()))) {
    view.dims.push_back(x.shape()[axis]);
    view.strides.push_back(strides[axis]);
  }
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), Shape(view.dims)));
  copyStrided(x.data(), std::move(view), y.mutableData(), byteSize(x.type()));
  return {};
}

constexpr OpDef makeTranspose() {
  OpDef def;
  def.type = "Transpose";
  def.versions = {1, 13, 21, 23, 24, 25};
  def.infer = inferTranspose;
  def.reference = transpose;
  return def;
}

} // namespace

// ONNX Transpose: axes in another order.
extern const OpDef kTranspose = makeTranspose();

} // namespace tandem::ops
