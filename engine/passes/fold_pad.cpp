// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>

namespace tandem::passes {
namespace {

using Ints = std::vector<std::int64_t>;

/// Padding per axis, all of them.
struct Padding {
  Ints begin;
  Ints end;
};

/// The padding of a Pad with constant zeros and no negative pads; nullopt otherwise.
std::optional<Padding> zeroPadding(const Graph& graph, const Node& node) {
  const Value& input = graph.value(node.inputs[0]);
  if (!input.rankKnown || node.version < 2) return std::nullopt;
  if (node.attributes.getString("mode", "constant") != "constant") return std::nullopt;
  Ints pads;
  if (node.version < 11) {
    if (node.attributes.getFloat("value", 0) != 0) return std::nullopt;
    pads = node.attributes.getInts("pads");
  } else {
    const Tensor* given = constantInput(graph, node, 1);
    if (!given) return std::nullopt;
    pads = given->toInts();
    if (node.inputs.size() > 2 && node.inputs[2].valid()) {
      const Tensor* fill = constantInput(graph, node, 2);
      if (!fill || fill->elements() != 1 || fill->asDouble(0) != 0) return std::nullopt;
    }
  }
  const std::size_t rank = input.desc.shape.rank();
  Ints axes(rank);
  for (std::size_t i = 0; i < rank; ++i) axes[i] = static_cast<std::int64_t>(i);
  if (node.inputs.size() > 3 && node.inputs[3].valid()) {
    const Tensor* given = constantInput(graph, node, 3);
    if (!given) return std::nullopt;
    axes = given->toInts();
  }
  if (pads.size() != 2 * axes.size()) return std::nullopt;
  if (std::any_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad < 0; })) return std::nullopt;
  Padding padding{Ints(rank, 0), Ints(rank, 0)};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = normalizeAxis(axes[i], rank);
    if (!axis) return std::nullopt;
    padding.begin[*axis] = pads[i];
    padding.end[*axis] = pads[axes.size() + i];
  }
  return padding;
}

/// Every tap of the padded windows sees at least one real element: a pool of padding alone has no defined result.
bool isSmallerThanKernel(const Ints& pads, const Ints& kernel) {
  for (std::size_t i = 0; i < pads.size(); ++i)
    if (pads[i] >= kernel[i % kernel.size()]) return false;
  return true;
}

bool isNeverNegative(const Graph& graph, ValueId value) {
  const NodeId producer = graph.value(value).producer;
  if (!producer.valid()) return false;
  const Node& node = graph.node(producer);
  return isOp(node, "Relu") || isOp(node, "Sigmoid") || isOp(node, "HardSigmoid");
}

/// Would the consumer compute the same with `pads` of its own in the place of zeros around its input? `own` are its
/// pads so far.
bool mayPad(const Graph& graph, const Node& pad, const Node& consumer, const Ints& own, const Ints& pads) {
  if (isOp(consumer, "Conv")) return true;
  if (consumer.attributes.getInt("ceil_mode", 0) != 0 || consumer.outputs.size() != 1) return false;
  const Ints dilations = consumer.attributes.getInts("dilations");
  if (std::any_of(dilations.begin(), dilations.end(), [](std::int64_t d) { return d != 1; })) return false;
  const Ints kernel = consumer.attributes.getInts("kernel_shape");
  if (kernel.size() * 2 != pads.size() || !isSmallerThanKernel(pads, kernel)) return false;
  const bool noneOwn = std::all_of(own.begin(), own.end(), [](std::int64_t value) { return value == 0; });
  // The zeros counted in the average so far; pads of the pool count only where it says so.
  if (isOp(consumer, "AveragePool")) return noneOwn || consumer.attributes.getInt("count_include_pad", 0) != 0;
  // A maximum ignores its own padding, and zeros change nothing where no element is below zero.
  if (isOp(consumer, "MaxPool")) return isNeverNegative(graph, pad.inputs[0]);
  return false;
}

bool foldInto(Graph& graph, const PassContext& context, NodeId padId, NodeId consumerId) {
  const Node& pad = graph.node(padId);
  const Node& consumer = graph.node(consumerId);
  if (!isOp(consumer, "Conv") && !isOp(consumer, "AveragePool") && !isOp(consumer, "MaxPool")) return false;
  if (consumer.inputs[0] != pad.outputs[0] || !context.allowsFusion(pad, consumer)) return false;
  // SAME_* computes its pads from the padded extents: leave it alone.
  const std::string_view autoPad = consumer.attributes.getString("auto_pad", "NOTSET");
  if (autoPad != "NOTSET" && autoPad != "VALID" && !autoPad.empty()) return false;
  const auto padding = zeroPadding(graph, pad);
  if (!padding || padding->begin.size() < 3) return false;
  if (padding->begin[0] || padding->begin[1] || padding->end[0] || padding->end[1]) return false;

  const std::size_t spatial = padding->begin.size() - 2;
  Ints own = autoPad == "VALID" ? Ints() : consumer.attributes.getInts("pads");
  if (own.empty()) own.assign(2 * spatial, 0);
  if (own.size() != 2 * spatial) return false;
  Ints pads = own;
  for (std::size_t i = 0; i < spatial; ++i) {
    pads[i] += padding->begin[2 + i];
    pads[spatial + i] += padding->end[2 + i];
  }
  if (!mayPad(graph, pad, consumer, own, pads)) return false;

  Node& target = graph.node(consumerId);
  target.attributes.erase("auto_pad");
  target.attributes.set("pads", pads);
  if (isOp(target, "AveragePool")) target.attributes.set("count_include_pad", std::int64_t{1});
  addOrigins(target, pad);
  graph.setInput(consumerId, 0, pad.inputs[0]);
  graph.removeNode(padId);
  return true;
}

} // namespace

Result<int> foldPad(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    if (!isOp(graph.node(id), "Pad")) continue;
    const auto consumer = soleConsumer(graph, graph.node(id).outputs[0]);
    if (consumer && foldInto(graph, context, id, *consumer)) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
