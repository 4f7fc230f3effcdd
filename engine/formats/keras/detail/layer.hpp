// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/keras/detail/builder.hpp"
#include "engine/formats/keras/detail/config.hpp"
#include "engine/formats/keras/detail/keras_error.hpp"
#include "engine/formats/keras/detail/weights.hpp"

#include <span>

namespace tandem::detail {

class ModelImporter;
using Outputs = std::vector<TensorPtr>;

/// An argument of a call of a layer: a tensor, a list of arguments, or something from the configuration.
struct Argument {
  TensorPtr tensor;
  std::vector<Argument> items;
  bool isList = false;
  const Json* json = nullptr; ///< null for tensors and lists
  /// Where the tensor comes from, until it is known: the layer's position, which call of it, which output.
  std::int64_t layer = -1;
  std::int64_t call = 0;
  std::int64_t output = 0;
};

/// One call of one layer; what a layer's function builds nodes from.
struct LayerCall {
  ModelImporter& importer;
  Builder& b;
  const LayerSpec& spec;
  Options options;
  LayerWeights& weights;
  std::vector<Argument> args;
  std::map<std::string, Argument> kwargs;
  Outputs inputs; ///< all tensors of `args`, in order

  /// The only input, as floating point; throws where there is none.
  KerasTensor& input();
  TensorPtr inputPtr(); ///< the same, shared
  /// A named argument that is a tensor; null where it is absent.
  TensorPtr tensorArgument(const std::string& name) const;
  bool flagArgument(const std::string& name, bool fallback) const;

  /// Weights of the layer, as constants of the graph; the first time read from the file, in the order of the calls.
  /// `change` makes the form in which the nodes want it.
  ValueId weight(const std::string& name, const Shape& shape, const std::function<Tensor(Tensor)>& change = {});
  Tensor weightTensor(const std::string& name, const Shape& shape);
};

/// What a class of layers is to us.
struct LayerDef {
  std::string_view className;
  Outputs (*build)(LayerCall& call);
  bool keepsMask = false; ///< outputs have the mask of the first input
};

/// The class of this name, or nullptr.
const LayerDef* findLayer(std::string_view className);
/// True for layers of Keras that exist but cannot be imported.
bool isKnownButUnsupported(std::string_view className);

// The layers by kind, one file each.
std::span<const LayerDef> coreLayers();
std::span<const LayerDef> activationLayers();
std::span<const LayerDef> convolutionLayers();
std::span<const LayerDef> poolingLayers();
std::span<const LayerDef> normalizationLayers();
std::span<const LayerDef> reshapingLayers();
std::span<const LayerDef> mergingLayers();
std::span<const LayerDef> imageLayers();
std::span<const LayerDef> recurrentLayers();
std::span<const LayerDef> wrapperLayers();
std::span<const LayerDef> attentionLayers();
/// Functions of keras.ops and TensorFlow that stand in functional models as layers (operations.cpp).
Outputs buildOperation(LayerCall& call);

/// y = activation(x), from an option as a file has it: a name, or the object that Keras 3 stores; null is "linear".
/// `tensor` keeps its form. Throws KerasError for functions that are not Keras's.
TensorPtr applyActivation(LayerCall& call, TensorPtr tensor, const Json* activation);
bool isKnownActivation(const std::string& name);
/// The name in such an option; throws where it is no function of Keras.
std::string activationName(const Json* activation);

/// A tensor of the same form and shape as `like` with another value.
TensorPtr sameForm(const KerasTensor& like, ValueId value);
/// The value in the form that exists: channels first where it does.
ValueId valueOf(const KerasTensor& tensor);
/// The axis of `tensor`'s existing form that is Keras's `axis`; throws where it is out of range.
std::int64_t axisIn(const KerasTensor& tensor, std::int64_t axis);
/// Keras's axis counted from the front.
std::int64_t axisOf(const KerasTensor& tensor, std::int64_t axis);
/// "channels_last" is true, "channels_first" is false.
bool isChannelsLast(const Options& options);
/// Element types by Keras's names, 16- and 64-bit floats as float32; nullopt for texts and unknown ones.
std::optional<DataType> dataTypeOfName(const std::string& name);
/// The elements in another order of axes: axis i of the result is axis `permutation[i]`. Float32 only.
Tensor permuted(const Tensor& tensor, const Ints& permutation);
/// Converts to float32 where it is not.
TensorPtr asFloat(Builder& b, TensorPtr tensor);

} // namespace tandem::detail
