// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/view.hpp"

#include "engine/base/checked.hpp"

namespace tandem::ops {
namespace {

/// The shape a request means: 0 copies the input's dim (unless allowzero), one -1 takes what is left. `input` is null
/// while its rank is unknown; dims that depend on what is unknown stay unknown.
template <class Context>
Result<Shape> resolve(const Context& context, const Shape* input, std::vector<std::int64_t> dims) {
  const bool zeroCopies = context.version() < 14 || context.attributes().getInt("allowzero", 0) == 0;
  std::optional<std::size_t> inferred;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < -1) return context.fail("the new shape has the dimension " + std::to_string(dims[i]));
    if (dims[i] == -1) {
      if (inferred) return context.fail("the new shape has more than one -1");
      inferred = i;
    } else if (dims[i] == 0 && zeroCopies) {
      if (input && i >= input->rank()) return context.fail("the new shape copies a dimension that the input lacks");
      dims[i] = input ? (*input)[i] : kUnknownDim;
    }
  }
  if (!input || !input->isStatic()) return Shape(std::move(dims));
  const auto elements = input->checkedElements();
  if (!elements) return context.fail("the input is too large");
  std::vector<std::int64_t> rest = dims;
  if (inferred) rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(*inferred));
  const auto product = checkedProduct(rest);
  if (!product) return context.fail("the new shape is too large");
  const bool fits = inferred ? *product > 0 && *elements % *product == 0 : *product == *elements;
  if (!fits) return context.fail("cannot reshape " + input->toString() + " to " + Shape(dims).toString());
  if (inferred) dims[*inferred] = *elements / *product;
  return Shape(std::move(dims));
}

Result<void> inferReshape(InferContext& context) {
  std::optional<std::vector<std::int64_t>> request;
  if (context.version() < 5)
    request = context.attributes().getInts("shape");
  else
    request = TANDEM_TRY(knownInts(context, 1));
  std::optional<Shape> shape;
  if (request)
    shape = TANDEM_TRY(resolve(context, context.inputShape(0), *request));
  else if (auto rank = knownLength(context, 1))
    shape = unknownShape(static_cast<std::size_t>(*rank));
  setOutputMaybe(context, 0, context.inputType(0), shape);
  return {};
}

Result<void> reshape(ReferenceContext& context) {
  std::vector<std::int64_t> request = context.attributes().getInts("shape");
  if (context.version() >= 5) request = TANDEM_TRY(readInts(context, 1));
  return copyAs(context, TANDEM_TRY(resolve(context, &context.input(0).shape(), std::move(request))));
}

constexpr OpDef makeReshape() {
  OpDef def = viewOp("Reshape", {1, 5, 13, 14, 19, 21, 23, 24, 25}, inferReshape, reshape);
  def.maxInputs = 2;
  def.shapeInputs = 1u << 1;
  return def;
}

} // namespace

// ONNX Reshape: another shape for the same elements; an attribute in version 1, an input since 5.
extern const OpDef kReshape = makeReshape();

} // namespace tandem::ops
