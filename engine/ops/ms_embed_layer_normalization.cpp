// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_embed_norm_common.hpp"

namespace tandem::ops {
namespace {

constexpr EmbedNormInputs kInputs{.gamma = 5, .beta = 6, .mask = 7, .positions = 8};

Result<void> infer(InferContext& context) { return inferEmbedNormalization(context, context.inputType(2)); }

Result<void> reference(ReferenceContext& context) {
  EmbedNormTables tables;
  for (std::size_t i = 2; i < 7; ++i)
    if (context.hasInput(i) && !isFloating(context.input(i).type()))
      return unsupportedType(context, context.input(i).type());
  for (std::size_t i : {std::size_t{2}, std::size_t{3}, std::size_t{5}, std::size_t{6}})
    if (!context.hasInput(i)) return context.fail("input " + std::to_string(i) + " is missing");
  tables.word = context.input(2);
  tables.position = context.input(3);
  if (context.hasInput(4)) tables.segment = context.input(4);
  tables.gamma = context.input(5);
  tables.beta = context.input(6);
  return embedNormalization(context, tables, kInputs, context.input(2).type());
}

} // namespace

// com.microsoft EmbedLayerNormalization: input_ids, segment_ids, word, position and segment embeddings, gamma, beta,
// mask, position_ids; outputs the normalized sum, the number of words, and the sum.
extern const OpDef kMsEmbedLayerNormalization = {.type = "EmbedLayerNormalization",
                                                 .domain = "com.microsoft",
                                                 .versions = {1},
                                                 .minInputs = 1,
                                                 .maxInputs = 9,
                                                 .maxOutputs = 3,
                                                 .infer = infer,
                                                 .flops = embedNormalizationFlops,
                                                 .reference = reference};

} // namespace tandem::ops
