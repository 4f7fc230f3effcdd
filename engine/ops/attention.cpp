// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/attention_geometry.hpp"
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/matrix.hpp"
#include "engine/ops/window.hpp"

#include <cmath>
#include <limits>

namespace tandem::ops {
namespace {

enum Input : std::size_t { kQuery, kKey, kValue, kMask, kPastKey, kPastValue, kKeyCounts };
enum Output : std::size_t { kResult, kPresentKey, kPresentValue, kScores };

constexpr double kMasked = -std::numeric_limits<double>::infinity();

/// Which keys a query may see: all but those that causality, windows and padding rule out.
struct Visibility {
  bool causal = false;
  std::int64_t left = -1, right = -1; ///< window around the query's own position; -1: no bound
  std::int64_t offset = 0;            ///< absolute position of the first query
  std::int64_t count = 0;             ///< keys from here on are padding

  bool sees(std::int64_t query, std::int64_t key) const {
    const std::int64_t distance = query + offset - key; // positive: the key lies before the query
    if (key >= count || (causal && distance < 0)) return false;
    return (left < 0 || distance <= left) && (right < 0 || -distance <= right);
  }
};

/// attn_mask as a bias, broadcast to [batch][heads][queries][keys]; keys beyond its last axis are masked.
class Mask {
 public:
  Mask(const Tensor& tensor, const Shape& scores) : m_isBool(tensor.type() == DataType::Bool), m_length(scores[3]) {
    const Shape& shape = tensor.shape();
    m_values.resize(static_cast<std::size_t>(tensor.elements()));
    for (std::size_t i = 0; i < m_values.size(); ++i) m_values[i] = tensor.asDouble(static_cast<std::int64_t>(i));
    if (shape.rank() == 0) return;
    m_length = shape[shape.rank() - 1];
    const std::vector<std::int64_t> strides = shape.strides();
    for (std::size_t i = 0; i < shape.rank(); ++i)
      if (shape[i] != 1) m_strides[4 - shape.rank() + i] = strides[i];
    m_strides[3] = 1; // a last axis of one is padded with masked keys, not repeated
  }
  double bias(std::int64_t batch, std::int64_t head, std::int64_t query, std::int64_t key) const {
    if (key >= m_length) return kMasked;
    const std::int64_t at = batch * m_strides[0] + head * m_strides[1] + query * m_strides[2] + key * m_strides[3];
    const double value = m_values[static_cast<std::size_t>(at)];
    if (m_isBool) return value != 0 ? 0 : kMasked;
    return value;
  }

 private:
  bool m_isBool;
  std::int64_t m_length;
  std::array<std::int64_t, 4> m_strides{};
  std::vector<double> m_values;
};

/// [batch][heads][past + incoming][size], whatever the layout of `incoming`.
template <class C>
std::vector<C> joined(const AttentionGeometry& g, const Tensor* past, const Tensor& incoming, std::int64_t size) {
  std::vector<C> all(static_cast<std::size_t>(g.batch * g.kvHeads * g.total() * size));
  const Elements<C> now(incoming);
  const Tensor none = Tensor::zeros({DataType::Float32, {0}});
  const Elements<C> before(past ? *past : none);
  C* dst = all.data();
  for (std::int64_t b = 0; b < g.batch; ++b)
    for (std::int64_t h = 0; h < g.kvHeads; ++h) {
      dst = std::copy_n(before.data() + (b * g.kvHeads + h) * g.past * size, g.past * size, dst);
      for (std::int64_t t = 0; t < g.keys; ++t) {
        const std::int64_t row = g.packed ? (b * g.keys + t) * g.kvHeads + h : (b * g.kvHeads + h) * g.keys + t;
        dst = std::copy_n(now.data() + row * size, size, dst);
      }
    }
  return all;
}

/// What one row of scores goes through, and where its stages are written.
struct Scoring {
  double scale = 1;
  double softcap = 0;
  std::int64_t mode = 0; ///< which stage output qk_matmul_output shows: raw, capped, biased, probabilities
  DataType precision = DataType::Undefined;

  void round(double& value) const {
    if (precision == DataType::Float16)
      value = static_cast<double>(static_cast<float>(Half(static_cast<float>(value))));
    else if (precision == DataType::BFloat16)
      value = static_cast<double>(static_cast<float>(BFloat16(static_cast<float>(value))));
  }
};

/// Softmax of `scores` in place; a row without any key to see becomes zero.
void softmaxRow(std::vector<double>& scores, bool seesNothing) {
  double most = kMasked;
  for (double score : scores) most = std::isnan(score) ? score : std::max(most, score);
  if (seesNothing || most == kMasked) {
    std::fill(scores.begin(), scores.end(), 0.0);
    return;
  }
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  for (double& score : scores) score /= sum;
}

/// Undefined where nobody wants them, but for the result.
using Outputs = std::array<Tensor, 4>;

Result<Outputs> makeOutputs(ReferenceContext& context, const AttentionGeometry& g) {
  const DataType type = context.input(kQuery).type(), valueType = context.input(kValue).type();
  const std::array<TensorDesc, 4> descs{TensorDesc{type, g.resultShape()}, TensorDesc{type, g.presentShape(g.headSize)},
                                        TensorDesc{valueType, g.presentShape(g.valueSize)},
                                        TensorDesc{type, g.scoresShape()}};
  Outputs outputs;
  for (std::size_t i = 0; i < descs.size(); ++i)
    if (i == kResult || context.wantsOutput(i))
      outputs[i] = TANDEM_TRY(makeOutput(context, i, descs[i].type, descs[i].shape));
  return outputs;
}

template <class C> class AttentionKernel {
 public:
  AttentionKernel(ReferenceContext& context, const AttentionGeometry& geometry, const Scoring& scoring)
      : m_context(context),
        g(geometry),
        m_scoring(scoring),
        m_query(context.input(kQuery)),
        m_key(joined<C>(g, pastOrNull(kPastKey), context.input(kKey), g.headSize)),
        m_value(joined<C>(g, pastOrNull(kPastValue), context.input(kValue), g.valueSize)) {
    if (context.hasInput(kMask)) m_mask.emplace(context.input(kMask), g.scoresShape());
    const Attributes& attributes = context.attributes();
    m_visibility.causal = attributes.getInt("is_causal", 0) != 0;
    m_visibility.left = attributes.getInt("left_window_size", -1);
    m_visibility.right = attributes.getInt("right_window_size", -1);
  }

  void run(const Outputs& outputs) {
    Results<C> y(outputs[kResult]);
    std::optional<Results<C>> stages;
    if (outputs[kScores].defined()) stages.emplace(outputs[kScores]);
    std::fill_n(y.data(), g.batch * g.queryHeads * g.queries * g.valueSize, C(0));
    for (std::int64_t b = 0; b < g.batch; ++b) {
      lookAt(b);
      for (std::int64_t h = 0; h < g.queryHeads; ++h)
        for (std::int64_t i = 0; i < g.queries; ++i) {
          const std::int64_t row = (b * g.queryHeads + h) * g.queries + i;
          attend(b, h, i, y.data() + (g.packed ? (b * g.queries + i) * g.queryHeads + h : row) * g.valueSize,
                 stages ? stages->data() + row * g.total() : nullptr);
        }
    }
    y.store();
    if (stages) stages->store();
    storePresent(outputs[kPresentKey], m_key);
    storePresent(outputs[kPresentValue], m_value);
  }

 private:
  const Tensor* pastOrNull(std::size_t index) const {
    return m_context.hasInput(index) ? &m_context.input(index) : nullptr;
  }

  void lookAt(std::int64_t batch) {
    m_visibility.count = g.total();
    m_visibility.offset = g.past;
    if (!m_context.hasInput(kKeyCounts)) return;
    m_visibility.count = m_context.input(kKeyCounts).asInt(batch);
    if (!m_context.hasInput(kPastKey)) m_visibility.offset = m_visibility.count - g.queries;
  }

  /// One row of the result: dst[valueSize] = softmax(scores) * V.
  void attend(std::int64_t b, std::int64_t h, std::int64_t i, C* dst, C* stage) {
    const std::int64_t total = g.total(), kv = b * g.kvHeads + h / (g.queryHeads / g.kvHeads);
    const std::int64_t row = g.packed ? (b * g.queries + i) * g.queryHeads + h : (b * g.queryHeads + h) * g.queries + i;
    const C* query = m_query.data() + row * g.headSize;
    const C* keys = m_key.data() + kv * total * g.headSize;
    m_row.resize(static_cast<std::size_t>(total));
    const auto show = [&](std::int64_t mode) {
      if (!stage || mode != m_scoring.mode) return;
      for (std::int64_t j = 0; j < total; ++j) stage[j] = static_cast<C>(m_row[static_cast<std::size_t>(j)]);
    };
    for (std::int64_t j = 0; j < total; ++j)
      m_row[static_cast<std::size_t>(j)] =
          m_scoring.scale * static_cast<double>(dotProduct(g.headSize, query, keys + j * g.headSize));
    show(0);
    if (m_scoring.softcap > 0)
      for (double& score : m_row) score = m_scoring.softcap * std::tanh(score / m_scoring.softcap);
    show(1);
    const bool seesNothing = addBias(b, h, i);
    show(2);
    softmaxRow(m_row, seesNothing);
    for (double& score : m_row) m_scoring.round(score);
    show(3);
    std::vector<C>& weights = m_weights;
    weights.assign(m_row.begin(), m_row.end());
    addProduct(1, g.valueSize, total, weights.data(), total, m_value.data() + kv * total * g.valueSize, g.valueSize,
               dst, g.valueSize);
  }

  /// True where the bias rules out every key.
  bool addBias(std::int64_t b, std::int64_t h, std::int64_t i) {
    bool seesNothing = true;
    for (std::int64_t j = 0; j < g.total(); ++j) {
      double bias = m_mask ? m_mask->bias(b, h, i, j) : 0;
      if (!m_visibility.sees(i, j)) bias += kMasked;
      seesNothing = seesNothing && bias == kMasked;
      double& score = m_row[static_cast<std::size_t>(j)];
      score += bias;
    }
    if (m_scoring.mode != 2)
      for (double& score : m_row) m_scoring.round(score);
    return seesNothing;
  }

  static void storePresent(const Tensor& tensor, const std::vector<C>& all) {
    if (!tensor.defined()) return;
    Results<C> present(tensor);
    std::copy(all.begin(), all.end(), present.data());
    present.store();
  }

  ReferenceContext& m_context;
  const AttentionGeometry& g;
  const Scoring& m_scoring;
  Elements<C> m_query;
  std::vector<C> m_key, m_value;
  std::optional<Mask> m_mask;
  Visibility m_visibility;
  std::vector<double> m_row;
  std::vector<C> m_weights;
};

Result<Scoring> readScoring(const ReferenceContext& context, const AttentionGeometry& g) {
  const Attributes& attributes = context.attributes();
  Scoring scoring;
  scoring.scale = 1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, g.headSize)));
  if (attributes.has("scale")) scoring.scale = static_cast<double>(attributes.getFloat("scale", 1));
  scoring.softcap = static_cast<double>(attributes.getFloat("softcap", 0));
  scoring.mode = attributes.getInt("qk_matmul_output_mode", 0);
  if (scoring.mode < 0 || scoring.mode > 3) return context.fail("qk_matmul_output_mode must be 0, 1, 2 or 3");
  const auto precision = static_cast<DataType>(attributes.getInt("softmax_precision", 0));
  if (attributes.has("softmax_precision") && !isFloating(precision))
    return context.fail("softmax_precision is not a floating point type");
  // Wider than the inputs is what we compute in anyway.
  if (precision != context.input(kQuery).type()) scoring.precision = precision;
  return scoring;
}

Result<void> checkInputs(const ReferenceContext& context, const AttentionGeometry& g) {
  const DataType type = context.input(kQuery).type();
  if (!isFloating(type) || context.input(kKey).type() != type || !isFloating(context.input(kValue).type()))
    return context.fail("query, key and value must be floating point, query and key of one type");
  for (std::size_t index : {kPastKey, kPastValue})
    if (context.hasInput(index) && !isFloating(context.input(index).type()))
      return context.fail("the past is not floating point");
  if (context.hasInput(kMask) && !byteSize(context.input(kMask).type()))
    return unsupportedType(context, context.input(kMask).type());
  if (!context.hasInput(kKeyCounts)) return {};
  for (std::int64_t count : TANDEM_TRY(readInts(context, kKeyCounts)))
    if (count < 0 || count > g.total()) return context.fail("nonpad_kv_seqlen holds " + std::to_string(count));
  return {};
}

const Shape* shapeOrNull(const ReferenceContext& context, std::size_t index) {
  return context.hasInput(index) ? &context.input(index).shape() : nullptr;
}

Result<void> reference(ReferenceContext& context) {
  const auto shape = [&](std::size_t index) { return shapeOrNull(context, index); };
  const AttentionGeometry g = TANDEM_TRY(
      attentionGeometry(context.node(), {shape(0), shape(1), shape(2), shape(3), shape(4), shape(5), shape(6)}));
  TANDEM_TRY(checkInputs(context, g));
  TANDEM_TRY(checkAddressable(context.node(), g.scoresShape()));
  const Outputs outputs = TANDEM_TRY(makeOutputs(context, g));
  const Scoring scoring = TANDEM_TRY(readScoring(context, g));
  const bool wide =
      context.input(kQuery).type() == DataType::Float64 || context.input(kValue).type() == DataType::Float64;
  if (wide)
    AttentionKernel<double>(context, g, scoring).run(outputs);
  else
    AttentionKernel<float>(context, g, scoring).run(outputs);
  return {};
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(kQuery), valueType = context.inputType(kValue);
  const auto shape = [&](std::size_t index) { return context.inputShape(index); };
  if (!shape(kQuery) || !shape(kKey) || !shape(kValue)) {
    for (std::size_t output : {kResult, kPresentKey, kScores}) context.setOutputType(output, type);
    context.setOutputType(kPresentValue, valueType);
    return {};
  }
  AttentionGeometry g = TANDEM_TRY(
      attentionGeometry(context.node(), {shape(0), shape(1), shape(2), shape(3), shape(4), shape(5), shape(6)}));
  if (context.hasInput(kPastKey) && !shape(kPastKey)) g.past = kUnknownDim;
  context.setOutput(kResult, type, g.resultShape());
  context.setOutput(kPresentKey, type, g.presentShape(g.headSize));
  context.setOutput(kPresentValue, valueType, g.presentShape(g.valueSize));
  context.setOutput(kScores, type, g.scoresShape());
  return {};
}

/// Both products, and five operations per score for the softmax.
double flops(const Graph& graph, const Node& node) {
  std::array<const Shape*, 7> shapes{};
  for (std::size_t i = 0; i < shapes.size() && i < node.inputs.size(); ++i)
    if (node.inputs[i].valid()) shapes[i] = &graph.value(node.inputs[i]).desc.shape;
  const auto geometry = attentionGeometry(node, shapes);
  if (!geometry) return 0;
  const double scores = static_cast<double>(geometry->batch) * static_cast<double>(geometry->queryHeads) *
                        static_cast<double>(geometry->queries) * static_cast<double>(geometry->total());
  return scores * (2 * static_cast<double>(geometry->headSize + geometry->valueSize) + 5);
}

} // namespace

// ONNX Attention: softmax(Q * K^T * scale + bias) * V per head. 24 adds nonpad_kv_seqlen, 25 windows.
extern const OpDef kAttention = {.type = "Attention",
                                 .domain = "",
                                 .versions = {23, 24, 25},
                                 .minInputs = 3,
                                 .maxInputs = 7,
                                 .minOutputs = 1,
                                 .maxOutputs = 4,
                                 .infer = infer,
                                 .flops = flops,
                                 .reference = reference};

} // namespace tandem::ops
