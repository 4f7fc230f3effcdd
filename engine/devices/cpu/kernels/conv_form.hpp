// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernels/row_function.hpp"
#include "engine/graph/graph.hpp"
#include "engine/ops/activation.hpp"
#include "engine/ops/conv_common.hpp"

#include <dnnl.hpp>

namespace tandem::cpu {

/// How a convolution is computed: the layout of what it reads and writes, and the algorithm.
enum class ConvForm {
  Any,          ///< what oneDNN prefers; says nothing about layouts
  ChannelsLast, ///< NHWC on both sides
  Blocked,      ///< channels in blocks of one vector on both sides
  DenseGroups,  ///< channels last; a few groups as one, with zeros for what they do not share
  Winograd,     ///< blocked; F(2x2, 3x3) or F(4x4, 3x3) of Lavin and Gray, CVPR 2016
};
std::string_view toString(ConvForm form);

/// A convolution of float32 values with everything that is computed on its sums.
struct ConvProblem {
  /// Nullopt where the node is no such convolution.
  static std::optional<ConvProblem> of(const Graph& graph, const Node& node);
  /// Each channel times a number plus another: what fold_batch_norm makes of a normalisation that stands alone.
  bool scalesChannels() const {
    return geometry.isDepthwise() && geometry.outputChannels == geometry.inputChannels && geometry.isPointwise();
  }
  /// The same convolution without groups.
  ConvProblem ungrouped() const;
  /// All that the time of a run depends on, in two texts: what stays where a network takes larger inputs, and what
  /// grows with them.
  std::string kindText() const;
  std::string sizeText() const;

  TensorDesc input, output;
  ops::ConvGeometry geometry;
  ops::Activation activation;
  dnnl::memory::dims weights; ///< with the groups as an axis of their own
  bool bias = false;
  bool residual = false; ///< sums onto what the output holds
  bool constantWeights = false;
  /// Height and width are exchanged here: oneDNN is fast along rows only, and for a picture one pixel wide every layout
  /// is the same either way.
  bool turned = false;
};

/// False where `form` is out of the question, whatever the shapes: then there is nothing to measure.
bool suits(const ConvProblem& problem, ConvForm form);
/// Writes the weights of a grouped convolution as those of one without groups. Both row-major.
void writeDenseGroups(const ConvProblem& problem, const float* weights, float* dense);

/// How a convolution is computed.
struct ConvChoice {
  ConvForm form = ConvForm::Any;
  bool separate = false; ///< the activation is vector code of our own after the primitive, not a part of it
};

struct ConvCode {
  dnnl::convolution_forward::primitive_desc desc;
  RowFunction after; ///< of the result, in place; empty where there is nothing left to do
};
/// Nullopt where oneDNN has no fast code for the form, or no activation can be separate.
std::optional<ConvCode> convCode(const ConvProblem& problem, const ConvChoice& choice);

} // namespace tandem::cpu
