// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  context.setOutput(0, context.inputType(0), unknownShape(1));
  return {};
}

Result<void> reference(ReferenceContext& context) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < 3; ++i) {
    Tensor bound;
    if (context.hasInput(i)) {
      bound = context.input(i);
    } else { // delta is 1
      bound = Tensor::zeros({context.input(0).type(), Shape{}});
      visitOneOf(NumericTypes{}, bound.type(), [&]<class T>(TypeTag<T>) { bound.mutableAs<T>()[0] = convert<T>(1); });
    }
    if (bound.elements() != 1) return context.fail("input " + std::to_string(i) + " must be one number");
    inputs.push_back(bound.reshaped(Shape{}));
  }
  return storeOutput(context, 0, TANDEM_TRY(evaluateAs(context, {"Range", 11}, inputs)));
}

} // namespace

// com.microsoft Range: as ONNX's, with lists of one element and without delta too.
extern const OpDef kMsRange = {.type = "Range",
                               .domain = "com.microsoft",
                               .versions = {1},
                               .minInputs = 2,
                               .maxInputs = 3,
                               .shapeInputs = 0b111,
                               .infer = infer,
                               .reference = reference};

} // namespace tandem::ops
