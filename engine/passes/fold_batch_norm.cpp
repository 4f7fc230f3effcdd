// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/activation_match.hpp"
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"
#include "engine/tensor/element_source.hpp"
#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tandem::passes {
namespace {

using Doubles = std::vector<double>;

constexpr int kConvVersion = 11;

/// y[channel] = scale[channel] * x[channel] + shift[channel]
struct Affine {
  Doubles scale;
  Doubles shift;
};

bool isFinite(const Doubles& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

/// Inference form only: y = (x - mean) / sqrt(variance + epsilon) * scale + bias.
std::optional<Affine> affineOfBatchNorm(const Graph& graph, const Node& node, std::size_t channels) {
  if (node.attributes.getInt("training_mode", 0) != 0 || usedOutputs(graph, node) != 1 || node.inputs.size() < 5)
    return std::nullopt;
  if (node.version < 9 && node.attributes.getInt("spatial", 1) == 0) return std::nullopt;
  std::array<Doubles, 4> parameters;
  for (std::size_t i = 0; i < 4; ++i) {
    const Tensor* parameter = constantInput(graph, node, i + 1);
    if (!parameter || parameter->elements() != static_cast<std::int64_t>(channels)) return std::nullopt;
    parameters[i] = toDoubles(*parameter);
  }
  const auto& [scale, bias, mean, variance] = parameters;
  const auto epsilon = static_cast<double>(node.attributes.getFloat("epsilon", 1e-5f));
  Affine affine{Doubles(channels), Doubles(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    affine.scale[c] = scale[c] / std::sqrt(variance[c] + epsilon);
    affine.shift[c] = bias[c] - mean[c] * affine.scale[c];
  }
  return affine;
}

/// One value per channel of a rank-`rank` tensor (channels on axis 1), or nullopt where the constant is anything else.
std::optional<Doubles> perChannel(const Tensor& constant, std::size_t rank, std::size_t channels) {
  const Shape& shape = constant.shape();
  if (shape.rank() > rank || !isFloating(constant.type())) return std::nullopt;
  for (std::size_t i = 0; i < shape.rank(); ++i)
    if (shape[i] != 1 && i + (rank - shape.rank()) != 1) return std::nullopt;
  const Doubles values = toDoubles(constant);
  if (values.size() == channels) return values;
  if (values.size() == 1) return Doubles(channels, values[0]);
  return std::nullopt;
}

/// Mul, Add, Sub and Div of `operand` with constants per channel.
std::optional<Affine> affineOfElementwise(const Graph& graph, const Node& node, ValueId operand, std::size_t channels) {
  if (node.inputs.size() != 2 || (node.version < 7 && node.attributes.getInt("broadcast", 0) != 0)) return std::nullopt;
  const bool first = node.inputs[0] == operand;
  const Tensor* constant = constantInput(graph, node, first ? 1 : 0);
  if (!constant) return std::nullopt;
  const auto values = perChannel(*constant, graph.value(operand).desc.shape.rank(), channels);
  if (!values) return std::nullopt;
  Affine affine{Doubles(channels, 1), Doubles(channels, 0)};
  if (node.type == "Mul") affine.scale = *values;
  if (node.type == "Add") affine.shift = *values;
  if (node.type == "Sub")
    for (std::size_t c = 0; c < channels; ++c) {
      affine.scale[c] = first ? 1 : -1;
      affine.shift[c] = first ? -(*values)[c] : (*values)[c];
    }
  if (node.type == "Div") {
    if (!first) return std::nullopt; // constant / x is not affine in x
    for (std::size_t c = 0; c < channels; ++c) affine.scale[c] = 1 / (*values)[c];
  }
  return affine;
}

/// Which output channel each element of the weights belongs to.
struct WeightLayout {
  std::int64_t outer = 1; ///< blocks that repeat the channels
  std::int64_t channels = 1;
  std::int64_t inner = 1;  ///< elements of one channel in one block
  std::int64_t groups = 1; ///< ConvTranspose: blocks are divided among groups, each with channels of its own
};

std::optional<WeightLayout> layoutOf(const Node& node, const Shape& weights) {
  if (weights.rank() < 2) return std::nullopt;
  WeightLayout layout;
  if (isOp(node, "Gemm")) {
    if (node.attributes.getInt("transB", 0) != 0)
      layout = {1, weights[0], weights[1], 1};
    else
      layout = {weights[0], weights[1], 1, 1};
    return layout;
  }
  std::int64_t kernel = 1;
  for (std::size_t i = 2; i < weights.rank(); ++i) kernel *= weights[i];
  if (isOp(node, "Conv")) return WeightLayout{1, weights[0], weights[1] * kernel, 1};
  const std::int64_t groups = node.attributes.getInt("group", 1);
  if (groups < 1 || weights[0] % groups != 0) return std::nullopt;
  return WeightLayout{weights[0], weights[1], kernel, groups};
}

/// Weights with every output channel scaled. Computed when somebody reads them, which is once, on their way into the
/// layout that a kernel wants: folded weights are never in memory beside those.
class ScaledWeights final : public ElementSource {
 public:
  ScaledWeights(Tensor weights, const WeightLayout& layout, Doubles scale)
      : m_weights(std::move(weights)),
        m_layout(layout),
        m_scale(std::move(scale)) {}

  void write(void* out, std::size_t offset, std::size_t bytes) const override {
    if (const ElementSource* source = m_weights.source())
      source->write(out, offset, bytes);
    else
      std::memcpy(out, static_cast<const std::byte*>(m_weights.data()) + offset, bytes);
    visitFloating(m_weights.type(), [&]<class T>(TypeTag<T>) {
      if constexpr (std::is_floating_point_v<T>)
        scale(std::span(static_cast<T*>(out), bytes / sizeof(T)), static_cast<std::int64_t>(offset / sizeof(T)));
    });
  }
  std::string key() const override {
    const std::string source = m_weights.key();
    if (source.empty()) return ElementSource::key();
    std::string key = source + " scaled " + std::to_string(m_layout.outer) + "," + std::to_string(m_layout.channels) +
                      "," + std::to_string(m_layout.inner) + "," + std::to_string(m_layout.groups) + ":";
    key.append(reinterpret_cast<const char*>(m_scale.data()), m_scale.size() * sizeof(double));
    return key;
  }

 private:
  /// `elements` begin at element `first` of all.
  template <class T> void scale(std::span<T> elements, std::int64_t first) const {
    for (std::int64_t done = 0, all = static_cast<std::int64_t>(elements.size()); done < all;) {
      const std::int64_t run = (first + done) / m_layout.inner; // of one channel in one block
      const std::int64_t end = std::min(all, (run + 1) * m_layout.inner - first);
      const double factor = m_scale[static_cast<std::size_t>(channelOf(run))];
      for (; done < end; ++done) {
        T& element = elements[static_cast<std::size_t>(done)];
        element = static_cast<T>(static_cast<double>(element) * factor);
      }
    }
  }
  std::int64_t channelOf(std::int64_t run) const {
    const std::int64_t group = run / m_layout.channels / std::max<std::int64_t>(m_layout.outer / m_layout.groups, 1);
    return group * m_layout.channels + run % m_layout.channels;
  }

  Tensor m_weights;
  WeightLayout m_layout;
  Doubles m_scale;
};

class Folding {
 public:
  Folding(Graph& graph, const PassContext& context) : m_graph(graph), m_context(context), m_names(graph) {}

  Result<int> run() {
    int changes = 0;
    for (NodeId id : topologicalOrder(m_graph)) {
      TANDEM_TRY(m_context.cancel.check());
      if (foldIntoProducer(id) || makeConvolution(id)) ++changes;
    }
    return changes;
  }

 private:
  bool foldIntoProducer(NodeId id) {
    const Node& node = m_graph.node(id);
    if (!node.domain.empty()) return false;
    const bool batchNorm = node.type == "BatchNormalization";
    const bool elementwise = node.type == "Mul" || node.type == "Add" || node.type == "Sub" || node.type == "Div";
    if (!batchNorm && !elementwise) return false;
    for (std::size_t i = 0; i < (batchNorm ? 1u : 2u); ++i) {
      const auto producer = producerOf(m_graph, id, i);
      if (producer && fold(*producer, id, batchNorm)) return true;
    }
    return false;
  }

  bool fold(NodeId layer, NodeId id, bool batchNorm) {
    const Node& producer = m_graph.node(layer);
    const Node& node = m_graph.node(id);
    if (!isOp(producer, "Conv") && !isOp(producer, "ConvTranspose") && !isOp(producer, "Gemm")) return false;
    const ValueId middle = producer.outputs[0];
    if (soleConsumer(m_graph, middle) != id || !m_context.allowsFusion(producer, node)) return false;
    // 16-bit weights would be rounded a second time, and not by the user's choice.
    const Tensor* weights = constantInput(m_graph, producer, 1);
    if (!weights || (weights->type() != DataType::Float32 && weights->type() != DataType::Float64)) return false;
    const Value& result = m_graph.value(middle);
    if (!result.rankKnown || result.desc.shape.rank() < 2 || result.desc.type != weights->type()) return false;
    if (m_graph.value(node.outputs[0]).desc != result.desc) return false;
    const auto layout = layoutOf(producer, weights->shape());
    if (!layout) return false;
    const auto channels = static_cast<std::size_t>(layout->channels * layout->groups);
    const auto bias = biasOf(producer, channels);
    if (!bias) return false;
    const auto affine =
        batchNorm ? affineOfBatchNorm(m_graph, node, channels) : affineOfElementwise(m_graph, node, middle, channels);
    if (!affine || !isFinite(affine->scale) || !isFinite(affine->shift)) return false;
    apply(layer, id, *layout, *affine, *bias);
    return true;
  }

  /// A normalisation with no layer before it, as in DenseNet, scales channels: a convolution with one tap per channel.
  /// As such it takes in the scaling and the activation that follow it.
  bool makeConvolution(NodeId id) {
    const Node& node = m_graph.node(id);
    if (!isOp(node, "BatchNormalization") || !node.inputs[0].valid()) return false;
    const auto next = soleConsumer(m_graph, node.outputs[0]);
    if (!next || !m_context.allowsFusion(node, m_graph.node(*next)) || !continuesScaling(*next, node.outputs[0]))
      return false;
    const Value& input = m_graph.value(node.inputs[0]);
    const DataType type = input.desc.type;
    if (!input.rankKnown || (type != DataType::Float32 && type != DataType::Float64)) return false;
    const Shape shape = input.desc.shape; // adding constants moves values
    if (shape.rank() < 3 || shape.rank() > 5 || shape[1] < 2) return false;
    const auto affine = affineOfBatchNorm(m_graph, node, static_cast<std::size_t>(shape[1]));
    if (!affine || !isFinite(affine->scale) || !isFinite(affine->shift)) return false;
    std::vector<std::int64_t> taps(shape.rank(), 1);
    taps[0] = shape[1];
    const ValueId weights = m_graph.addConstant(m_names.make(node.name + "/scale"),
                                                fromDoubles(type, Shape(std::move(taps)), affine->scale));
    const ValueId bias =
        m_graph.addConstant(m_names.make(node.name + "/shift"), fromDoubles(type, Shape{shape[1]}, affine->shift));
    Node layer;
    layer.type = "Conv";
    layer.version = kConvVersion;
    layer.attributes.set("group", shape[1]);
    layer.inputs = {m_graph.node(id).inputs[0], weights, bias};
    return replaceNodes(m_graph, m_context, {id}, std::move(layer));
  }

  bool continuesScaling(NodeId id, ValueId operand) const {
    const Node& node = m_graph.node(id);
    if (activationOfNode(m_graph, node, operand)) return true;
    return node.domain.empty() &&
           (node.type == "Mul" || node.type == "Add" || node.type == "Sub" || node.type == "Div");
  }

  /// What the layer adds per channel; nullopt where that is not constant or not per channel.
  std::optional<Doubles> biasOf(const Node& layer, std::size_t channels) const {
    if (layer.inputs.size() < 3 || !layer.inputs[2].valid()) return Doubles(channels, 0);
    const Tensor* bias = constantInput(m_graph, layer, 2);
    if (!bias) return std::nullopt;
    auto values = isOp(layer, "Gemm") ? perChannel(*bias, 2, channels) : toDoubles(*bias);
    if (!values || values->size() != channels) return std::nullopt;
    const double beta = isOp(layer, "Gemm") ? static_cast<double>(layer.attributes.getFloat("beta", 1)) : 1;
    for (double& value : *values) value *= beta;
    return values;
  }

  void apply(NodeId layer, NodeId id, const WeightLayout& layout, const Affine& affine, Doubles bias) {
    const ValueId oldWeights = m_graph.node(layer).inputs[1];
    const Tensor source = m_graph.value(oldWeights).constant;
    if (std::any_of(affine.scale.begin(), affine.scale.end(), [](double scale) { return scale != 1; })) {
      auto scaled = std::make_shared<ScaledWeights>(source, layout, affine.scale);
      const std::string name = m_names.make(m_graph.value(oldWeights).name + "/folded");
      m_graph.setInput(layer, 1, m_graph.addConstant(name, Tensor::from(source.desc(), std::move(scaled))));
    }
    for (std::size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * affine.scale[c] + affine.shift[c];
    const Shape shape{static_cast<std::int64_t>(bias.size())};
    const std::string name = m_names.make(m_graph.node(layer).name + "/folded_bias");
    const ValueId newBias = m_graph.addConstant(name, fromDoubles(source.type(), shape, bias));
    if (m_graph.node(layer).inputs.size() < 3) m_graph.node(layer).inputs.resize(3);
    m_graph.setInput(layer, 2, newBias);
    if (isOp(m_graph.node(layer), "Gemm")) m_graph.node(layer).attributes.set("beta", 1.0f);
    absorbConsumer(m_graph, layer, id);
  }

  Graph& m_graph;
  const PassContext& m_context;
  UniqueNames m_names;
};

} // namespace

Result<int> foldBatchNorm(Graph& graph, const PassContext& context) { return Folding(graph, context).run(); }

} // namespace tandem::passes
