// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/matrix.hpp"
#include "engine/ops/window.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

enum Input : std::size_t { kQuery, kKey, kValue, kPastState, kDecay, kBeta };

/// Far more than any network has; keeps products with head sizes in range.
constexpr std::int64_t kMaxHeads = 1 << 16;

struct Geometry {
  std::int64_t batch = 1, steps = 1, queryHeads = 1, kvHeads = 1, keySize = 1, valueSize = 1;

  Shape outputShape() const { return {batch, steps, valueSize == kUnknownDim ? kUnknownDim : queryHeads * valueSize}; }
  Shape stateShape() const { return {batch, kvHeads, keySize, valueSize}; }
};

struct Rule {
  bool gated = false; ///< the state fades by exp(decay) before each step
  bool delta = false; ///< only what the state does not already give for the key is written
};

Result<Rule> ruleOf(const Node& node) {
  const std::string_view name = node.attributes.getString("update_rule", "gated_delta");
  if (name != "linear" && name != "gated" && name != "delta" && name != "gated_delta")
    return nodeError(node, "update_rule '" + std::string(name) + "' is not known");
  Rule rule{name.starts_with("gated"), name.ends_with("delta")};
  const auto has = [&](std::size_t i) { return i < node.inputs.size() && node.inputs[i].valid(); };
  if (has(kDecay) != rule.gated || has(kBeta) != rule.delta)
    return nodeError(node, "update_rule '" + std::string(name) + "' does not go with the inputs decay and beta given");
  return rule;
}

Result<Geometry> geometryOf(const Node& node, const Shape& q, const Shape& k, const Shape& v) {
  Geometry g;
  g.queryHeads = node.attributes.getInt("q_num_heads", 0);
  g.kvHeads = node.attributes.getInt("kv_num_heads", 0);
  if (g.queryHeads < 1 || g.kvHeads < 1 || g.queryHeads % g.kvHeads != 0 || g.queryHeads > kMaxHeads)
    return nodeError(node, "q_num_heads must be a multiple of kv_num_heads, both positive");
  bool fits = q.rank() == 3 && k.rank() == 3 && v.rank() == 3;
  const auto same = [&](std::int64_t a, std::int64_t b) { return a == b || a == kUnknownDim || b == kUnknownDim; };
  const auto divides = [](std::int64_t dim, std::int64_t heads) { return dim == kUnknownDim || dim % heads == 0; };
  for (std::size_t i = 0; fits && i < 2; ++i) fits = same(q[i], k[i]) && same(q[i], v[i]) && same(k[i], v[i]);
  fits = fits && divides(q[2], g.queryHeads) && divides(k[2], g.kvHeads) && divides(v[2], g.kvHeads);
  if (fits && q[2] != kUnknownDim && k[2] != kUnknownDim) fits = q[2] / g.queryHeads == k[2] / g.kvHeads;
  if (!fits)
    return nodeError(node, "query " + q.toString() + ", key " + k.toString() + " and value " + v.toString() +
                               " do not go together");
  g.batch = q[0];
  g.steps = q[1];
  g.keySize = q[2] == kUnknownDim ? kUnknownDim : q[2] / g.queryHeads;
  g.valueSize = v[2] == kUnknownDim ? kUnknownDim : v[2] / g.kvHeads;
  return g;
}

Result<void> checkInputs(const ReferenceContext& context, const Geometry& g) {
  for (std::size_t index = 0; index < context.inputCount(); ++index)
    if (context.hasInput(index) && !isFloating(context.input(index).type()))
      return unsupportedType(context, context.input(index).type());
  if (context.hasInput(kPastState) && context.input(kPastState).shape() != g.stateShape())
    return context.fail("past_state " + context.input(kPastState).shape().toString() + " is not " +
                        g.stateShape().toString());
  const auto fits = [&](std::size_t index, std::int64_t wide, std::int64_t narrow) {
    const Shape& shape = context.input(index).shape();
    return shape.rank() == 3 && shape[0] == g.batch && shape[1] == g.steps && (shape[2] == wide || shape[2] == narrow);
  };
  if (context.hasInput(kDecay) && !fits(kDecay, g.kvHeads * g.keySize, g.kvHeads))
    return context.fail("decay " + context.input(kDecay).shape().toString() + " does not go with the heads");
  if (context.hasInput(kBeta) && !fits(kBeta, g.kvHeads, 1))
    return context.fail("beta " + context.input(kBeta).shape().toString() + " does not go with the heads");
  return {};
}

/// The recurrent state of one key head: [keySize][valueSize].
class HeadState {
 public:
  HeadState(float* state, std::int64_t keySize, std::int64_t valueSize)
      : m_state(state),
        m_keys(keySize),
        m_values(valueSize),
        m_retrieved(static_cast<std::size_t>(valueSize)) {}

  void fade(const float* decay, bool perKey) {
    for (std::int64_t d = 0; d < m_keys; ++d) {
      const float factor = std::exp(decay[perKey ? d : 0]);
      for (std::int64_t m = 0; m < m_values; ++m) m_state[d * m_values + m] *= factor;
    }
  }
  /// state += key x (beta * (value - state^T key)), or key x value where `beta` is null.
  void write(const float* key, const float* value, const float* beta) {
    std::copy_n(value, m_values, m_retrieved.begin());
    if (beta) {
      std::fill(m_retrieved.begin(), m_retrieved.end(), 0.0f);
      addProduct(1, m_values, m_keys, key, m_keys, m_state, m_values, m_retrieved.data(), m_values);
      for (std::int64_t m = 0; m < m_values; ++m) {
        float& x = m_retrieved[static_cast<std::size_t>(m)];
        x = *beta * (value[m] - x);
      }
    }
    addProduct(m_keys, m_values, 1, key, 1, m_retrieved.data(), m_values, m_state, m_values);
  }
  void read(const float* query, float scale, float* dst) const {
    std::fill_n(dst, m_values, 0.0f);
    addProduct(1, m_values, m_keys, query, m_keys, m_state, m_values, dst, m_values);
    for (std::int64_t m = 0; m < m_values; ++m) dst[m] *= scale;
  }

 private:
  float* m_state;
  std::int64_t m_keys, m_values;
  std::vector<float> m_retrieved;
};

void attend(ReferenceContext& context, const Geometry& g, const Rule& rule, float* state, float* y) {
  const Elements<float> query(context.input(kQuery)), key(context.input(kKey)), value(context.input(kValue));
  std::optional<Elements<float>> decay, beta;
  if (rule.gated) decay.emplace(context.input(kDecay));
  if (rule.delta) beta.emplace(context.input(kBeta));
  const bool perKey = rule.gated && context.input(kDecay).shape()[2] != g.kvHeads;
  const std::int64_t betas = rule.delta ? context.input(kBeta).shape()[2] : 0;
  float scale = context.attributes().getFloat("scale", 0);
  if (scale == 0) scale = 1 / std::sqrt(static_cast<float>(g.keySize));
  const std::int64_t group = g.queryHeads / g.kvHeads;
  for (std::int64_t b = 0; b < g.batch; ++b)
    for (std::int64_t h = 0; h < g.kvHeads; ++h) {
      HeadState head(state + (b * g.kvHeads + h) * g.keySize * g.valueSize, g.keySize, g.valueSize);
      for (std::int64_t t = 0; t < g.steps; ++t) {
        const std::int64_t step = b * g.steps + t, at = step * g.kvHeads + h;
        if (rule.gated) head.fade(decay->data() + (perKey ? at * g.keySize : at), perKey);
        head.write(key.data() + at * g.keySize, value.data() + at * g.valueSize,
                   rule.delta ? beta->data() + (betas == 1 ? step : at) : nullptr);
        for (std::int64_t q = h * group; q < (h + 1) * group; ++q)
          head.read(query.data() + (step * g.queryHeads + q) * g.keySize, scale,
                    y + (step * g.queryHeads + q) * g.valueSize);
      }
    }
}

Result<void> reference(ReferenceContext& context) {
  const Rule rule = TANDEM_TRY(ruleOf(context.node()));
  const Geometry g = TANDEM_TRY(geometryOf(context.node(), context.input(kQuery).shape(), context.input(kKey).shape(),
                                           context.input(kValue).shape()));
  TANDEM_TRY(checkInputs(context, g));
  TANDEM_TRY(checkAddressable(context.node(), g.stateShape()));
  const DataType type = context.input(kQuery).type();
  Results<float> y(TANDEM_TRY(makeOutput(context, 0, type, g.outputShape())));
  std::vector<float> state(static_cast<std::size_t>(g.stateShape().elements()), 0.0f);
  if (context.hasInput(kPastState)) {
    const Elements<float> past(context.input(kPastState));
    std::copy_n(past.data(), state.size(), state.begin());
  }
  attend(context, g, rule, state.data(), y.data());
  y.store();
  if (context.wantsOutput(1)) {
    const DataType stateType = context.hasInput(kPastState) ? context.input(kPastState).type() : type;
    Results<float> present(TANDEM_TRY(makeOutput(context, 1, stateType, g.stateShape())));
    std::copy(state.begin(), state.end(), present.data());
    present.store();
  }
  return {};
}

Result<void> infer(InferContext& context) {
  TANDEM_TRY(ruleOf(context.node()));
  const DataType type = context.inputType(kQuery);
  const DataType stateType = context.hasInput(kPastState) ? context.inputType(kPastState) : type;
  const Shape *q = context.inputShape(kQuery), *k = context.inputShape(kKey), *v = context.inputShape(kValue);
  if (!q || !k || !v) {
    context.setOutputType(0, type);
    context.setOutputType(1, stateType);
    return {};
  }
  const Geometry g = TANDEM_TRY(geometryOf(context.node(), *q, *k, *v));
  context.setOutput(0, type, g.outputShape());
  context.setOutput(1, stateType, g.stateShape());
  return {};
}

/// Per step: one product to read per query head, one to write per key head, one more for the delta, one to fade.
double flops(const Graph& graph, const Node& node) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  const auto g = geometryOf(node, shape(kQuery), shape(kKey), shape(kValue));
  const auto rule = ruleOf(node);
  if (!g || !rule) return 0;
  const double perState = static_cast<double>(g->batch * g->steps) * static_cast<double>(g->keySize * g->valueSize);
  const double heads = static_cast<double>(g->kvHeads);
  return perState * (2 * static_cast<double>(g->queryHeads) + 2 * heads + (rule->delta ? 2 * heads : 0) +
                     (rule->gated ? heads : 0));
}

} // namespace

// ONNX LinearAttention: attention as a recurrence over a matrix-valued state; grouped queries share a state.
extern const OpDef kLinearAttention = {.type = "LinearAttention",
                                       .domain = "",
                                       .versions = {27},
                                       .minInputs = 3,
                                       .maxInputs = 6,
                                       .minOutputs = 1,
                                       .maxOutputs = 2,
                                       .infer = infer,
                                       .flops = flops,
                                       .reference = reference};

} // namespace tandem::ops
