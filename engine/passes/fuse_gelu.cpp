// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace tandem::passes {
namespace {

constexpr int kGeluVersion = 20;
constexpr int kMostNodes = 16; ///< of an expression; the longest known way to write Gelu has ten
constexpr int kMostSteps = 5;  ///< from erf or tanh up to the result

/// A polynomial in x (powers 0 to 3) and t (powers 0 and 1), where t is erf or tanh of something.
struct Polynomial {
  static constexpr std::size_t kPowers = 4;
  std::array<std::array<double, kPowers>, 2> terms{}; ///< [power of t][power of x]
};

std::optional<Polynomial> times(const Polynomial& a, const Polynomial& b) {
  Polynomial product;
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < Polynomial::kPowers; ++j)
      for (std::size_t k = 0; k < 2; ++k)
        for (std::size_t l = 0; l < Polynomial::kPowers; ++l) {
          const double term = a.terms[i][j] * b.terms[k][l];
          if (term == 0) continue;
          if (i + k > 1 || j + l >= Polynomial::kPowers) return std::nullopt;
          product.terms[i + k][j + l] += term;
        }
  return product;
}

Polynomial sum(const Polynomial& a, const Polynomial& b, double sign) {
  Polynomial result = a;
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < Polynomial::kPowers; ++j) result.terms[i][j] += sign * b.terms[i][j];
  return result;
}

bool areNear(const Polynomial& a, const Polynomial& b, double tolerance) {
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < Polynomial::kPowers; ++j)
      if (!(std::abs(a.terms[i][j] - b.terms[i][j]) <= tolerance * std::abs(b.terms[i][j]))) return false;
  return true;
}

Polynomial constantPolynomial(double value) {
  Polynomial p;
  p.terms[0][0] = value;
  return p;
}

/// Reads arithmetic on x, t and numbers as a polynomial, and remembers the nodes it went through.
class Expression {
 public:
  Expression(const Graph& graph, ValueId x, ValueId t) : m_graph(graph), m_x(x), m_t(t) {}
  const std::vector<NodeId>& nodes() const { return m_nodes; }

  std::optional<Polynomial> read(ValueId id) {
    Polynomial p;
    if (id == m_x || id == m_t) {
      (id == m_x ? p.terms[0][1] : p.terms[1][0]) = 1;
      return p;
    }
    const Value& value = m_graph.value(id);
    if (const auto number = numberOf(m_graph, id)) return constantPolynomial(*number);
    if (!value.producer.valid()) return std::nullopt;
    if (std::find(m_nodes.begin(), m_nodes.end(), value.producer) == m_nodes.end()) m_nodes.push_back(value.producer);
    if (++m_reads > kMostNodes) return std::nullopt; // so the depth is bounded, too
    return readNode(m_graph.node(value.producer));
  }

 private:
  std::optional<Polynomial> readNode(const Node& node) {
    if (!node.domain.empty() || node.inputs.size() != 2 || node.version < 7) return std::nullopt;
    const auto a = read(node.inputs[0]);
    if (!a) return std::nullopt;
    if (node.type == "Pow") return power(*a, numberOf(m_graph, node.inputs[1]));
    const auto b = read(node.inputs[1]);
    if (!b) return std::nullopt;
    if (node.type == "Add") return sum(*a, *b, 1);
    if (node.type == "Sub") return sum(*a, *b, -1);
    if (node.type == "Mul") return times(*a, *b);
    if (node.type != "Div") return std::nullopt;
    const double divisor = b->terms[0][0];
    if (divisor == 0 || !areNear(*b, constantPolynomial(divisor), 0)) return std::nullopt;
    return times(*a, constantPolynomial(1 / divisor));
  }

  static std::optional<Polynomial> power(const Polynomial& base, std::optional<double> exponent) {
    if (exponent != 2 && exponent != 3) return std::nullopt;
    std::optional<Polynomial> result = times(base, base);
    return exponent == 3 && result ? times(*result, base) : result;
  }

  const Graph& m_graph;
  ValueId m_x, m_t;
  std::vector<NodeId> m_nodes;
  int m_reads = 0;
};

/// What erf or tanh is applied to within Gelu.
Polynomial innerOf(bool isTanh) {
  Polynomial p;
  p.terms[0][1] = isTanh ? std::numbers::sqrt2 * std::numbers::inv_sqrtpi : 1 / std::numbers::sqrt2;
  if (isTanh) p.terms[0][3] = 0.044715 * p.terms[0][1];
  return p;
}

/// x (1 + t) / 2.
Polynomial outerOf() {
  Polynomial p;
  p.terms[0][1] = p.terms[1][1] = 0.5;
  return p;
}

struct Match {
  ValueId x;
  std::vector<NodeId> nodes; ///< the last one makes the result
};

/// The constants of exporters are rounded to the type of the tensors.
double toleranceFor(const Graph& graph, ValueId value) {
  return graph.value(value).desc.type == DataType::Float32 ? 1e-5 : 5e-3;
}

/// Looks for the x of which erf or tanh is taken: one of the values that its argument is made of.
std::optional<Match> innerMatch(const Graph& graph, NodeId function) {
  const Node& node = graph.node(function);
  const Polynomial wanted = innerOf(node.type == "Tanh");
  std::vector<ValueId> candidates{node.inputs[0]};
  for (std::size_t i = 0; i < candidates.size() && i < kMostNodes; ++i) {
    const ValueId x = candidates[i];
    Expression argument(graph, x, ValueId());
    const auto polynomial = argument.read(node.inputs[0]);
    if (polynomial && areNear(*polynomial, wanted, toleranceFor(graph, x))) {
      Match match{x, argument.nodes()};
      match.nodes.push_back(function);
      return match;
    }
    const NodeId producer = graph.value(x).producer;
    if (!producer.valid()) continue;
    for (ValueId input : graph.node(producer).inputs)
      if (input.valid() && !graph.value(input).isConstant() &&
          std::find(candidates.begin(), candidates.end(), input) == candidates.end())
        candidates.push_back(input);
  }
  return std::nullopt;
}

/// Follows the function's readers up to the product.
std::optional<Match> geluAt(const Graph& graph, NodeId function) {
  std::optional<Match> match = innerMatch(graph, function);
  if (!match) return std::nullopt;
  const ValueId t = graph.node(function).outputs[0];
  ValueId current = t;
  for (int step = 0; step < kMostSteps; ++step) {
    const auto next = soleConsumer(graph, current);
    if (!next || graph.node(*next).outputs.size() != 1) return std::nullopt;
    current = graph.node(*next).outputs[0];
    Expression result(graph, match->x, t);
    const auto polynomial = result.read(current);
    if (!polynomial) return std::nullopt;
    if (!areNear(*polynomial, outerOf(), toleranceFor(graph, current))) continue;
    for (NodeId id : result.nodes())
      if (id != *next && std::find(match->nodes.begin(), match->nodes.end(), id) == match->nodes.end())
        match->nodes.push_back(id);
    match->nodes.push_back(*next);
    return match;
  }
  return std::nullopt;
}

} // namespace

Result<int> fuseGelu(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    if (graph.isDead(id)) continue;
    const Node& node = graph.node(id);
    if (!isOp(node, "Erf") && !isOp(node, "Tanh")) continue;
    const auto match = geluAt(graph, id);
    if (!match) continue;
    Node gelu;
    gelu.type = "Gelu";
    gelu.version = kGeluVersion;
    gelu.inputs = {match->x};
    if (node.type == "Tanh") gelu.attributes.set("approximate", std::string("tanh"));
    if (graph.value(match->x).desc != graph.value(graph.node(match->nodes.back()).outputs[0]).desc) continue;
    if (replaceNodes(graph, context, match->nodes, std::move(gelu))) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
