// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/fused_attention.hpp"

#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/window.hpp"

#include <algorithm>
#include <limits>

namespace tandem::ops {
namespace {

/// An input after its permutation: axis i is axis `order[i]` of what lies in memory.
struct Permuted {
  std::vector<std::int64_t> dims, strides;
};

Result<std::vector<std::size_t>> orderOf(const Node& node, std::string_view attribute, std::size_t rank) {
  std::vector<std::int64_t> perm = node.attributes.getInts(attribute);
  if (perm.empty())
    for (std::size_t i = 0; i < rank; ++i) perm.push_back(static_cast<std::int64_t>(i));
  std::vector<std::int64_t> sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  bool good = perm.size() == rank;
  for (std::size_t i = 0; i < rank && good; ++i) good = sorted[i] == static_cast<std::int64_t>(i);
  if (!good) return nodeError(node, std::string(attribute) + " does not order " + std::to_string(rank) + " axes");
  return std::vector<std::size_t>(perm.begin(), perm.end());
}

Result<Permuted> permuted(const Node& node, std::string_view attribute, const Shape& shape) {
  Permuted result;
  const std::vector<std::int64_t> strides = shape.strides();
  for (std::size_t axis : TANDEM_TRY(orderOf(node, attribute, shape.rank()))) {
    result.dims.push_back(shape[axis]);
    result.strides.push_back(strides[axis]);
  }
  return result;
}

/// Strides over the batch and the last two axes.
AttentionOperands::Operand operandOf(const Permuted& input) {
  const std::size_t leading = input.dims.size() - 2;
  AttentionOperands::Operand operand;
  for (std::size_t i = 0; i < leading; ++i) operand.batch.push_back(input.dims[i] == 1 ? 0 : input.strides[i]);
  operand.row = input.strides[leading];
  operand.column = input.strides[leading + 1];
  return operand;
}

/// The strides of a tensor that broadcasts to `scores`; nullopt where it does not.
std::optional<AttentionOperands::Operand> broadcastOperand(const Shape& shape, const Shape& scores) {
  if (shape.rank() > scores.rank()) return std::nullopt;
  const std::vector<std::int64_t> own = shape.strides();
  const std::size_t missing = scores.rank() - shape.rank();
  std::vector<std::int64_t> strides(scores.rank(), 0);
  for (std::size_t i = missing; i < scores.rank(); ++i) {
    if (shape[i - missing] != 1 && shape[i - missing] != scores[i]) return std::nullopt;
    strides[i] = shape[i - missing] == 1 ? 0 : own[i - missing];
  }
  AttentionOperands::Operand operand;
  operand.column = strides.back();
  strides.pop_back();
  operand.row = strides.back();
  strides.pop_back();
  operand.batch = std::move(strides);
  return operand;
}

Result<void> infer(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  std::array<const Shape*, 5> shapes{};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!context.hasInput(i)) continue;
    shapes[i] = context.inputShape(i);
    if (!shapes[i] || !shapes[i]->isStatic()) return {};
  }
  AttentionOperands operands = TANDEM_TRY(attentionOperands(context.node(), shapes));
  context.setOutput(0, context.inputType(0), std::move(operands.output));
  return {};
}

double flops(const Graph& graph, const Node& node) {
  std::array<const Shape*, 5> shapes{};
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (node.inputs[i].valid()) shapes[i] = &graph.value(node.inputs[i]).desc.shape;
  const auto operands = attentionOperands(node, shapes);
  if (!operands.ok()) return 0;
  const double scores = static_cast<double>(operands->batches()) * static_cast<double>(operands->queries) *
                        static_cast<double>(operands->keys);
  return scores * (2 * static_cast<double>(operands->depth + operands->width) + 5);
}

/// One row of scores, from products to probabilities.
void softmaxRow(std::vector<double>& row) {
  const double most = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (double& score : row) sum += score = std::exp(score - most);
  for (double& score : row) score /= sum;
}

template <class C> void attend(ReferenceContext& context, const AttentionOperands& g) {
  const Tensor none = Tensor::zeros({DataType::Float32, {0}});
  const bool hasMask = context.hasInput(kAttentionMask), hasKeep = context.hasInput(kAttentionKeep);
  const Elements<C> q(context.input(0)), k(context.input(1)), v(context.input(2));
  const Elements<C> mask(hasMask ? context.input(kAttentionMask) : none);
  const bool* keep = hasKeep ? context.input(kAttentionKeep).as<bool>().data() : nullptr;
  Results<C> y(context.output(0, context.input(0).type(), g.output));
  const double scale = static_cast<double>(context.attributes().getFloat("scale", 1));
  const double fill = static_cast<double>(context.attributes().getFloat("fill", 0));
  const bool kept = context.attributes().getInt("inverted", 0) == 0;
  std::vector<double> row(static_cast<std::size_t>(g.keys));
  for (std::int64_t b = 0; b < g.batches(); ++b) {
    const std::int64_t qAt = g.q.offset(g.batch, b), kAt = g.k.offset(g.batch, b), vAt = g.v.offset(g.batch, b);
    const std::int64_t yAt = g.y.offset(g.batch, b), maskAt = hasMask ? g.mask.offset(g.batch, b) : 0;
    const std::int64_t keepAt = hasKeep ? g.keep.offset(g.batch, b) : 0;
    for (std::int64_t i = 0; i < g.queries; ++i) {
      for (std::int64_t j = 0; j < g.keys; ++j) {
        double& score = row[static_cast<std::size_t>(j)];
        score = 0;
        for (std::int64_t d = 0; d < g.depth; ++d)
          score += static_cast<double>(q[qAt + i * g.q.row + d * g.q.column]) *
                   static_cast<double>(k[kAt + d * g.k.row + j * g.k.column]);
        score *= scale;
        if (hasMask) score += static_cast<double>(mask[maskAt + i * g.mask.row + j * g.mask.column]);
        if (hasKeep && keep[keepAt + i * g.keep.row + j * g.keep.column] != kept) score = fill;
      }
      softmaxRow(row);
      for (std::int64_t w = 0; w < g.width; ++w) {
        double sum = 0;
        for (std::int64_t j = 0; j < g.keys; ++j)
          sum += row[static_cast<std::size_t>(j)] * static_cast<double>(v[vAt + j * g.v.row + w * g.v.column]);
        y[yAt + i * g.y.row + w * g.y.column] = static_cast<C>(sum);
      }
    }
  }
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  std::array<const Shape*, 5> shapes{};
  for (std::size_t i = 0; i < context.inputCount(); ++i)
    if (context.hasInput(i)) shapes[i] = &context.input(i).shape();
  const AttentionOperands operands = TANDEM_TRY(attentionOperands(context.node(), shapes));
  const DataType type = context.input(0).type();
  for (std::size_t i = 1; i <= kAttentionMask && i < context.inputCount(); ++i)
    if (context.hasInput(i) && context.input(i).type() != type) return context.fail("the operands differ in type");
  if (context.hasInput(kAttentionKeep) && context.input(kAttentionKeep).type() != DataType::Bool)
    return context.fail("the condition is not boolean");
  if (!visitCompute(type, [&]<class C>(TypeTag<C>) { attend<C>(context, operands); }))
    return context.fail("cannot attend to " + context.input(0).desc().toString());
  return {};
}

} // namespace

std::int64_t AttentionOperands::Operand::offset(const std::vector<std::int64_t>& dims, std::int64_t index) const {
  std::int64_t result = 0;
  for (std::size_t i = dims.size(); i-- > 0;) {
    result += index % dims[i] * batch[i];
    index /= dims[i];
  }
  return result;
}

std::int64_t AttentionOperands::batches() const {
  std::int64_t count = 1;
  for (std::int64_t dim : batch) count *= dim;
  return count;
}

Result<AttentionOperands> attentionOperands(const Node& node, const std::array<const Shape*, 5>& shapes) {
  if (!shapes[0] || !shapes[1] || !shapes[2]) return nodeError(node, "an operand is missing");
  const std::size_t rank = shapes[0]->rank();
  if (rank < 2 || shapes[1]->rank() != rank || shapes[2]->rank() != rank)
    return nodeError(node, "the operands are not matrices of one rank");
  const Permuted q = TANDEM_TRY(permuted(node, "q_perm", *shapes[0]));
  const Permuted k = TANDEM_TRY(permuted(node, "k_perm", *shapes[1]));
  const Permuted v = TANDEM_TRY(permuted(node, "v_perm", *shapes[2]));
  AttentionOperands result;
  result.queries = q.dims[rank - 2];
  result.depth = q.dims[rank - 1];
  result.keys = k.dims[rank - 1];
  result.width = v.dims[rank - 1];
  bool fits = k.dims[rank - 2] == result.depth && v.dims[rank - 2] == result.keys;
  for (std::size_t i = 0; i + 2 < rank; ++i) {
    const std::int64_t most = std::max({q.dims[i], k.dims[i], v.dims[i]});
    for (std::int64_t dim : {q.dims[i], k.dims[i], v.dims[i]}) fits = fits && (dim == 1 || dim == most);
    result.batch.push_back(most);
  }
  if (!fits) return nodeError(node, "the shapes of the operands do not go together");
  result.q = operandOf(q);
  result.k = operandOf(k);
  result.v = operandOf(v);

  std::vector<std::int64_t> dims = result.batch;
  dims.insert(dims.end(), {result.queries, result.keys});
  const Shape scores(dims);
  for (std::size_t i : {kAttentionMask, kAttentionKeep}) {
    if (!shapes[i]) continue;
    const auto operand = broadcastOperand(*shapes[i], scores);
    if (!operand) return nodeError(node, "a mask " + shapes[i]->toString() + " does not fit " + scores.toString());
    (i == kAttentionMask ? result.mask : result.keep) = *operand;
  }

  // The result's axis i is axis order[i] of [batch][queries][width].
  dims.back() = result.width;
  const std::vector<std::size_t> order = TANDEM_TRY(orderOf(node, "y_perm", rank));
  std::vector<std::int64_t> outer;
  for (std::size_t axis : order) outer.push_back(dims[axis]);
  result.output = Shape(std::move(outer));
  TANDEM_TRY(checkAddressable(node, result.output));
  const std::vector<std::int64_t> strides = result.output.strides();
  Permuted y{dims, std::vector<std::int64_t>(rank)};
  for (std::size_t i = 0; i < rank; ++i) y.strides[order[i]] = strides[i];
  result.y = operandOf(y);
  return result;
}

// Made by fusion passes: Y = transpose(softmax(scale * Q K + mask) V), where every operand is transposed by its
// attribute q_perm, k_perm, v_perm, y_perm (none: as it is) and K has its keys along the last axis. Inputs Q, K, V,
// mask (optional, added to the scores) and keep (optional, boolean: scores become `fill` where it is false, or, with
// inverted = 1, where it is true). Masks broadcast to the scores.
extern const OpDef kFusedAttention = {.type = "FusedAttention",
                                      .domain = "tandem",
                                      .versions = {1},
                                      .minInputs = 3,
                                      .maxInputs = 5,
                                      .infer = infer,
                                      .flops = flops,
                                      .reference = reference};

} // namespace tandem::ops
