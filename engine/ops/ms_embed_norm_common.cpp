// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_embed_norm_common.hpp"

#include "engine/ops/floating.hpp"
#include "engine/ops/ms_skip_norm_common.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

struct Ids {
  std::vector<std::int64_t> words, segments, positions;
  std::int64_t batch = 0, steps = 0;
};

Result<std::vector<std::int64_t>> idsOf(const ReferenceContext& context, std::size_t index, std::int64_t batch,
                                        std::int64_t steps) {
  const Tensor& tensor = context.input(index);
  const Shape& shape = tensor.shape();
  if (!isInteger(tensor.type()) || shape.rank() != 2 || (shape[0] != batch && shape[0] != 1) || shape[1] != steps)
    return context.fail("input " + std::to_string(index) + " is " + tensor.desc().toString() + " where " +
                        Shape{batch, steps}.toString() + " numbers are needed");
  std::vector<std::int64_t> ids = tensor.toInts();
  for (std::int64_t b = 1; b < batch && shape[0] == 1; ++b)
    ids.insert(ids.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(steps));
  return ids;
}

Result<Ids> readIds(const ReferenceContext& context, const EmbedNormInputs& inputs) {
  const Shape& shape = context.input(0).shape();
  if (shape.rank() != 2) return context.fail("input_ids of shape " + shape.toString() + " are not a matrix");
  Ids ids;
  ids.batch = shape[0];
  ids.steps = shape[1];
  ids.words = TANDEM_TRY(idsOf(context, 0, ids.batch, ids.steps));
  if (context.hasInput(1)) ids.segments = TANDEM_TRY(idsOf(context, 1, ids.batch, ids.steps));
  if (context.hasInput(inputs.positions)) {
    ids.positions = TANDEM_TRY(idsOf(context, inputs.positions, ids.batch, ids.steps));
  } else {
    for (std::int64_t i = 0; i < ids.batch * ids.steps; ++i) ids.positions.push_back(i % ids.steps);
  }
  return ids;
}

Result<void> addRow(const ReferenceContext& context, const Elements<float>& table, std::int64_t rows, std::int64_t id,
                    std::int64_t width, float* out) {
  if (id < 0 || id >= rows)
    return context.fail("id " + std::to_string(id) + " is outside a table of " + std::to_string(rows) + " rows");
  for (std::int64_t i = 0; i < width; ++i) out[i] += table[id * width + i];
  return {};
}

Result<std::vector<float>> sumOf(const ReferenceContext& context, const EmbedNormTables& tables, const Ids& ids,
                                 std::int64_t width) {
  const auto check = [&](const Tensor& table) {
    return table.shape().rank() == 2 && table.shape()[1] == width && width > 0;
  };
  const bool hasSegments = tables.segment.defined() && !ids.segments.empty();
  if (!check(tables.word) || !check(tables.position) || (hasSegments && !check(tables.segment)))
    return context.fail("the embedding tables do not have " + std::to_string(width) + " columns each");
  const Elements<float> word(tables.word), position(tables.position);
  std::optional<Elements<float>> segment;
  if (hasSegments) segment.emplace(tables.segment);
  std::vector<float> sum(static_cast<std::size_t>(ids.batch * ids.steps * width), 0.0f);
  for (std::size_t i = 0; i < ids.words.size(); ++i) {
    float* out = sum.data() + static_cast<std::int64_t>(i) * width;
    TANDEM_TRY(addRow(context, word, tables.word.shape()[0], ids.words[i], width, out));
    TANDEM_TRY(addRow(context, position, tables.position.shape()[0], ids.positions[i], width, out));
    if (segment) TANDEM_TRY(addRow(context, *segment, tables.segment.shape()[0], ids.segments[i], width, out));
  }
  return sum;
}

/// Words of each sequence: the ones in its row of the mask; zero without a mask.
Result<void> storeMaskIndex(ReferenceContext& context, const EmbedNormInputs& inputs, const Ids& ids) {
  if (!context.wantsOutput(1)) return {};
  std::vector<std::int64_t> mask(ids.words.size(), 0);
  if (context.hasInput(inputs.mask)) mask = TANDEM_TRY(idsOf(context, inputs.mask, ids.batch, ids.steps));
  Tensor out = TANDEM_TRY(makeOutput(context, 1, DataType::Int32, Shape{ids.batch}));
  for (std::int64_t b = 0; b < ids.batch; ++b) {
    const auto first = mask.begin() + static_cast<std::ptrdiff_t>(b * ids.steps);
    out.mutableAs<std::int32_t>()[static_cast<std::size_t>(b)] =
        static_cast<std::int32_t>(std::count(first, first + static_cast<std::ptrdiff_t>(ids.steps), 1));
  }
  return {};
}

} // namespace

Result<void> inferEmbedNormalization(InferContext& context, DataType type) {
  const Shape *ids = context.inputShape(0), *table = context.inputShape(2);
  if ((ids && ids->rank() != 2) || (table && table->rank() != 2))
    return context.fail("input_ids or word_embedding is not a matrix");
  const Shape shape{ids ? (*ids)[0] : kUnknownDim, ids ? (*ids)[1] : kUnknownDim, table ? (*table)[1] : kUnknownDim};
  context.setOutput(0, type, shape);
  context.setOutput(1, DataType::Int32, Shape{shape[0]});
  context.setOutput(2, type, shape);
  return {};
}

double embedNormalizationFlops(const Graph& graph, const Node& node) {
  return 10 * static_cast<double>(graph.value(node.outputs[0]).desc.shape.elements());
}

Result<void> embedNormalization(ReferenceContext& context, const EmbedNormTables& tables, const EmbedNormInputs& inputs,
                                DataType type) {
  const Ids ids = TANDEM_TRY(readIds(context, inputs));
  const std::int64_t width = tables.gamma.defined() ? tables.gamma.elements() : 0;
  if (!tables.word.defined() || !tables.position.defined() || !tables.beta.defined() || width < 1 ||
      tables.beta.elements() != width)
    return context.fail("an embedding table, gamma or beta is missing or has the wrong size");
  std::vector<float> sum = TANDEM_TRY(sumOf(context, tables, ids, width));
  const Elements<float> gamma(tables.gamma), beta(tables.beta);
  const double epsilon = static_cast<double>(context.attributes().getFloat("epsilon", 1e-12f));
  const Shape shape{ids.batch, ids.steps, width};
  if (context.wantsOutput(2)) {
    Results<float> out(TANDEM_TRY(makeOutput(context, 2, type, shape)));
    std::copy(sum.begin(), sum.end(), out.data());
    out.store();
  }
  Results<float> y(TANDEM_TRY(makeOutput(context, 0, type, shape)));
  for (std::int64_t row = 0; row < ids.batch * ids.steps; ++row)
    normalizeRow(sum.data() + row * width, width, gamma.data(), beta.data(), epsilon, true, y.data() + row * width);
  y.store();
  return storeMaskIndex(context, inputs, ids);
}

} // namespace tandem::ops
