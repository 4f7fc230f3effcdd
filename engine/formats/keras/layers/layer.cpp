// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/layer.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

/// Layers of Keras that cannot be imported, so that they are told apart from code of the user.
constexpr std::array kUnsupported{
    std::string_view("ConvLSTM1D"),
    std::string_view("ConvLSTM2D"),
    std::string_view("ConvLSTM3D"),
    std::string_view("ConvLSTM2DCell"),
    std::string_view("CuDNNLSTM"),
    std::string_view("CuDNNGRU"),
    std::string_view("LocallyConnected1D"),
    std::string_view("LocallyConnected2D"),
    std::string_view("Hashing"),
    std::string_view("HashedCrossing"),
    std::string_view("StringLookup"),
    std::string_view("IntegerLookup"),
    std::string_view("TextVectorization"),
    std::string_view("CategoryEncoding"),
    std::string_view("Discretization"),
    std::string_view("MelSpectrogram"),
    std::string_view("STFTSpectrogram"),
    std::string_view("GroupQueryAttention"),
    std::string_view("GroupedQueryAttention"),
    std::string_view("SpectralNormalization"),
    std::string_view("RandomFourierFeatures"),
    std::string_view("TFSMLayer"),
    std::string_view("FlaxLayer"),
    std::string_view("JaxLayer"),
    std::string_view("TorchModuleWrapper"),
    std::string_view("ReversibleEmbedding"),
    std::string_view("RandomCrop"),
    std::string_view("Pipeline"),
    std::string_view("Merge"),
    std::string_view("MaxoutDense"),
    std::string_view("Highway"),
    std::string_view("DenseFeatures"),
    std::string_view("AdaptiveAveragePooling1D"),
    std::string_view("AdaptiveAveragePooling2D"),
    std::string_view("AdaptiveAveragePooling3D"),
    std::string_view("AdaptiveMaxPooling1D"),
    std::string_view("AdaptiveMaxPooling2D"),
    std::string_view("AdaptiveMaxPooling3D"),
    std::string_view("MaxNumBoundingBoxes"),
    std::string_view("StackedRNNCells"),
    std::string_view("FeatureSpace"),
    std::string_view("TensorFlowOpLayer"),
};

} // namespace

const LayerDef* findLayer(std::string_view className) {
  static const std::map<std::string_view, const LayerDef*> table = [] {
    std::map<std::string_view, const LayerDef*> all;
    for (const auto& list :
         {coreLayers(), activationLayers(), convolutionLayers(), poolingLayers(), normalizationLayers(),
          reshapingLayers(), mergingLayers(), imageLayers(), recurrentLayers(), wrapperLayers(), attentionLayers()})
      for (const LayerDef& def : list) all.emplace(def.className, &def);
    return all;
  }();
  const auto it = table.find(className);
  return it == table.end() ? nullptr : it->second;
}

bool isKnownButUnsupported(std::string_view className) {
  return std::find(kUnsupported.begin(), kUnsupported.end(), className) != kUnsupported.end();
}

TensorPtr LayerCall::inputPtr() {
  if (inputs.size() != 1 || !inputs[0])
    throw KerasError("the layer takes one input and has " + std::to_string(inputs.size()));
  return inputs[0];
}

KerasTensor& LayerCall::input() {
  inputs[0] = asFloat(b, inputPtr());
  return *inputs[0];
}

TensorPtr LayerCall::tensorArgument(const std::string& name) const {
  const auto it = kwargs.find(name);
  return it == kwargs.end() ? nullptr : it->second.tensor;
}

bool LayerCall::flagArgument(const std::string& name, bool fallback) const {
  const auto it = kwargs.find(name);
  if (it == kwargs.end() || !it->second.json || !it->second.json->is_boolean()) return fallback;
  return it->second.json->get<bool>();
}

ValueId LayerCall::weight(const std::string& name, const Shape& shape, const std::function<Tensor(Tensor)>& change) {
  if (b.hasWeight(name)) weights.skip();
  return b.weight(name, [&] {
    Tensor tensor = weightTensor(name, shape);
    return change ? change(std::move(tensor)) : tensor;
  });
}

Tensor LayerCall::weightTensor(const std::string& name, const Shape& shape) {
  Tensor tensor = weights.next(name, shape);
  if (tensor.type() != DataType::Float32) throw KerasError("the weight '" + name + "' is not of floating point");
  return tensor;
}

TensorPtr sameForm(const KerasTensor& like, ValueId value) {
  auto tensor = std::make_shared<KerasTensor>();
  tensor->shape = like.shape;
  tensor->type = like.type;
  (like.isChannelsFirst() ? tensor->channelsFirst : tensor->plain) = value;
  return tensor;
}

ValueId valueOf(const KerasTensor& tensor) { return tensor.isChannelsFirst() ? tensor.channelsFirst : tensor.plain; }

std::int64_t axisOf(const KerasTensor& tensor, std::int64_t axis) {
  const auto normalized = normalizeAxis(axis, tensor.rank());
  if (!normalized)
    throw KerasError("axis " + std::to_string(axis) + " is out of range for the shape " + shapeText(tensor.shape));
  return static_cast<std::int64_t>(*normalized);
}

std::int64_t axisIn(const KerasTensor& tensor, std::int64_t axis) {
  const std::int64_t plain = axisOf(tensor, axis);
  if (!tensor.isChannelsFirst() || plain == 0) return plain;
  return plain == static_cast<std::int64_t>(tensor.rank()) - 1 ? 1 : plain + 1;
}

bool isChannelsLast(const Options& options) {
  const std::string format = options.text("data_format", "channels_last");
  if (format != "channels_last" && format != "channels_first")
    throw KerasError("the data format '" + format + "' is unknown");
  return format == "channels_last";
}

std::optional<DataType> dataTypeOfName(const std::string& name) {
  if (name == "float16" || name == "bfloat16" || name == "float64" || name == "mixed_float16" ||
      name == "mixed_bfloat16" || name == "half")
    return DataType::Float32;
  const auto type = dataTypeFrom(name);
  return type && *type != DataType::String && *type != DataType::Undefined ? type : std::nullopt;
}

Tensor permuted(const Tensor& tensor, const Ints& permutation) {
  const std::vector<std::int64_t> strides = tensor.shape().strides();
  const std::size_t rank = permutation.size();
  Ints dims(rank), steps(rank), index(rank, 0);
  for (std::size_t i = 0; i < rank; ++i) {
    dims[i] = tensor.shape()[static_cast<std::size_t>(permutation[i])];
    steps[i] = strides[static_cast<std::size_t>(permutation[i])];
  }
  Tensor result = Tensor::uninitialized({DataType::Float32, Shape(dims)});
  const float* from = tensor.as<float>().data();
  std::int64_t offset = 0;
  for (float& element : result.mutableAs<float>()) {
    element = from[offset];
    for (std::size_t axis = rank; axis-- > 0;) {
      offset += steps[axis];
      if (++index[axis] < dims[axis]) break;
      offset -= steps[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return result;
}

TensorPtr asFloat(Builder& b, TensorPtr tensor) {
  if (tensor->type == DataType::Float32) return tensor;
  TensorPtr result = sameForm(*tensor, b.cast(valueOf(*tensor), DataType::Float32));
  result->type = DataType::Float32;
  result->mask = tensor->mask;
  return result;
}

} // namespace tandem::detail
