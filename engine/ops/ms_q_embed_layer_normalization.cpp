// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_embed_norm_common.hpp"
#include "engine/ops/quantization.hpp"

namespace tandem::ops {
namespace {

constexpr EmbedNormInputs kInputs{.gamma = 5, .beta = 6, .mask = 7};

Result<void> infer(InferContext& context) { return inferEmbedNormalization(context, context.inputType(8)); }

/// Table `index` (2 to 6), whose scale and zero point come in the same order from inputs 8 and 13 on.
Result<Tensor> table(const ReferenceContext& context, std::size_t index) {
  if (!context.hasInput(index)) return Tensor();
  if (!visitOneOf(NarrowTypes{}, context.input(index).type(), [](auto) {}))
    return unsupportedType(context, context.input(index).type());
  return dequantized(context.input(index), TANDEM_TRY(scalarQuantization(context, index + 6, index + 11)));
}

Result<void> reference(ReferenceContext& context) {
  EmbedNormTables tables;
  tables.word = TANDEM_TRY(table(context, 2));
  tables.position = TANDEM_TRY(table(context, 3));
  tables.segment = TANDEM_TRY(table(context, 4));
  tables.gamma = TANDEM_TRY(table(context, 5));
  tables.beta = TANDEM_TRY(table(context, 6));
  return embedNormalization(context, tables, kInputs, DataType::Float32);
}

} // namespace

// com.microsoft QEmbedLayerNormalization: EmbedLayerNormalization whose tables are 8 bit, then their five scales and
// zero points.
extern const OpDef kMsQEmbedLayerNormalization = {.type = "QEmbedLayerNormalization",
                                                  .domain = "com.microsoft",
                                                  .versions = {1},
                                                  .minInputs = 1,
                                                  .maxInputs = 18,
                                                  .maxOutputs = 2,
                                                  .infer = infer,
                                                  .flops = embedNormalizationFlops,
                                                  .reference = reference};

} // namespace tandem::ops
