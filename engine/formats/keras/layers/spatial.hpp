// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/keras/detail/layer.hpp"

/// What layers with channels and positions (convolution, pooling, padding) share.
namespace tandem::detail {

/// The input of such a layer with the channels in second place, whatever the data format.
struct SpatialInput {
  ValueId value;
  std::int64_t batch = -1;
  std::int64_t channels = -1;
  Ints positions; ///< extents of the one to three axes of positions; -1 where unknown
  bool channelsLast = true;
};

/// Throws KerasError where the input has not batch, channels and `axes` more dimensions.
SpatialInput spatialInput(LayerCall& call, std::size_t axes);
/// The output from a value [N, C, positions], in the data format of the input.
TensorPtr spatialOutput(LayerCall& call, const SpatialInput& input, ValueId value, std::int64_t channels,
                        Ints positions);

/// How windows move over the positions, and what is put around them.
struct Window {
  Ints kernel;
  Ints strides;
  Ints dilations;
  std::string padding; ///< "valid", "same" or "causal"

  std::int64_t extent(std::size_t i) const { return (kernel[i] - 1) * dilations[i] + 1; }
  /// Extents of the result; throws where the window does not fit.
  Ints outputOf(const Ints& positions) const;
  /// ONNX's pads, all begins and then all ends; nullopt where they depend on extents that are unknown: then auto_pad
  /// SAME_UPPER means the same as TensorFlow's "SAME".
  std::optional<Ints> padsFor(const Ints& positions) const;
  /// Adds kernel_shape, strides, dilations (where `withDilations`) and the padding to `attributes`.
  void describe(Builder::AttributeList& attributes, const Ints& positions, bool withDilations) const;
};

/// From the options kernel_size or pool_size (`kernelName`), strides, dilation_rate and padding.
Window windowOf(const Options& options, std::size_t axes, const char* kernelName);

} // namespace tandem::detail
