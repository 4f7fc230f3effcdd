// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twin() { return {"GatherND", 11, {}, {0, 1}}; }

Result<void> infer(InferContext& context) { return inferAs(context, twin()); }

Result<void> reference(ReferenceContext& context) {
  Tensor indices = context.input(1);
  if (indices.type() == DataType::Int32) {
    const std::vector<std::int64_t> wide = indices.toInts();
    indices = Tensor::of<std::int64_t>(indices.shape(), wide);
  }
  return storeOutput(context, 0, TANDEM_TRY(evaluateAs(context, twin(), {context.input(0), indices})));
}

} // namespace

// com.microsoft GatherND: as ONNX's, with int32 indices too.
extern const OpDef kMsGatherND = {.type = "GatherND",
                                  .domain = "com.microsoft",
                                  .versions = {1},
                                  .minInputs = 2,
                                  .maxInputs = 2,
                                  .infer = infer,
                                  .reference = reference};

} // namespace tandem::ops
