// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/conv_form.hpp"

#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/kernels/conv_window.hpp"
#include "engine/devices/cpu/post_ops.hpp"

#include <algorithm>
#include <new>
#include <sstream>

namespace tandem::cpu {
namespace {

using PrimitiveDesc = dnnl::convolution_forward::primitive_desc;

constexpr std::size_t kWeights = 1;
constexpr std::size_t kBias = 2;
constexpr std::size_t kResidual = 3;
// What has fewer channels than any block, as a network's first layer reads, oneDNN takes in whatever layout suits it.
constexpr std::int64_t kPictureChannels = 15;
// The zeros cost as many multiplications again for every further group.
constexpr std::int64_t kMaxDenseGroups = 8;

std::int64_t vectorFloats() { return dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core ? 16 : 8; }

dnnl::memory::desc sideDesc(const TensorDesc& desc, ConvForm form) {
  return form == ConvForm::ChannelsLast ? channelsLastDesc(desc) : blockedDesc(desc, vectorFloats());
}

bool readsPicture(const ops::ConvGeometry& geometry) {
  return geometry.groups == 1 && geometry.inputChannels <= kPictureChannels;
}

/// Whole blocks only: padded ones would cost their neighbours more than they gain here.
bool fillsBlocks(const ops::ConvGeometry& geometry) {
  const std::int64_t block = vectorFloats();
  return geometry.outputChannels % block == 0 && (readsPicture(geometry) || geometry.inputChannels % block == 0);
}

PrimitiveDesc make(const ConvProblem& problem, const dnnl::memory::desc& src, const dnnl::memory::desc& dst,
                   dnnl::algorithm algorithm) {
  using data = dnnl::memory::data_type;
  const ConvWindow window = windowOf(problem.geometry);
  const dnnl::memory::desc weights(problem.weights, data::f32, dnnl::memory::format_tag::any);
  const dnnl::memory::desc bias =
      problem.bias ? plainDesc(data::f32, {problem.geometry.outputChannels}) : dnnl::memory::desc();
  dnnl::primitive_attr attr = DnnlKernelBuilder::attributes();
  dnnl::post_ops after;
  if (problem.residual) after.append_sum();
  appendActivation(after, problem.activation);
  attr.set_post_ops(after);
  return PrimitiveDesc({dnnl::prop_kind::forward_inference, algorithm, src, weights, bias, dst, window.strides,
                        window.dilations, window.padsBegin, window.padsEnd},
                       attr, engine());
}

PrimitiveDesc makePreferred(const ConvProblem& problem) {
  using dnnl::algorithm;
  PrimitiveDesc best = make(problem, anyDesc(problem.input), anyDesc(problem.output), algorithm::convolution_direct);
  // Where oneDNN has nothing but plain loops for its choice, two layouts that it knows well.
  for (bool channelsLast : {true, false}) {
    if (!isDnnlReference(best.impl_info_str())) break;
    best = channelsLast
               ? make(problem, channelsLastDesc(problem.input), channelsLastDesc(problem.output),
                      algorithm::convolution_direct)
               : make(problem, plainDesc(problem.input), plainDesc(problem.output), algorithm::convolution_direct);
  }
  return best;
}

PrimitiveDesc makeForm(const ConvProblem& problem, ConvForm form) {
  if (form == ConvForm::Any) return makePreferred(problem);
  if (form == ConvForm::DenseGroups) return makeForm(problem.ungrouped(), ConvForm::ChannelsLast);
  return make(problem, readsPicture(problem.geometry) ? anyDesc(problem.input) : sideDesc(problem.input, form),
              sideDesc(problem.output, form),
              form == ConvForm::Winograd ? dnnl::algorithm::convolution_winograd : dnnl::algorithm::convolution_direct);
}

bool isColumn(const ops::ConvGeometry& geometry) {
  const ops::WindowAxis &height = geometry.axes[ops::kWindowAxes - 2], &width = geometry.axes[ops::kWindowAxes - 1];
  return geometry.spatialRank == 2 && width.input == 1 && width.output == 1 && width.kernel == 1 && height.input > 1;
}

Shape exchanged(const Shape& shape) { return {shape[0], shape[1], shape[3], shape[2]}; }

void turn(ConvProblem& problem) {
  problem.turned = true;
  problem.input.shape = exchanged(problem.input.shape);
  problem.output.shape = exchanged(problem.output.shape);
  std::swap(problem.geometry.axes[ops::kWindowAxes - 2], problem.geometry.axes[ops::kWindowAxes - 1]);
  std::swap(problem.weights.end()[-2], problem.weights.end()[-1]);
}

} // namespace

std::string_view toString(ConvForm form) {
  switch (form) {
  case ConvForm::Any: return "any";
  case ConvForm::ChannelsLast: return "channels last";
  case ConvForm::Blocked: return "blocked";
  case ConvForm::DenseGroups: return "dense groups";
  case ConvForm::Winograd: return "winograd";
  }
  return "";
}

std::optional<ConvProblem> ConvProblem::of(const Graph& graph, const Node& node) {
  const bool fused = node.type == "FusedConv" && node.domain == "tandem";
  if (!fused && (node.type != "Conv" || !node.domain.empty())) return std::nullopt;
  const auto present = [&](std::size_t i) { return i < node.inputs.size() && node.inputs[i].valid(); };
  if (!present(0) || !present(kWeights) || node.outputs.empty()) return std::nullopt;
  for (const std::vector<ValueId>* values : {&node.inputs, &node.outputs})
    for (ValueId id : *values) {
      if (!id.valid()) continue;
      const TensorDesc& desc = graph.value(id).desc;
      if (!graph.value(id).isStatic() || desc.type != DataType::Float32 || desc.shape.elements() == 0)
        return std::nullopt;
    }
  ConvProblem problem;
  problem.input = graph.value(node.inputs[0]).desc;
  problem.output = graph.value(node.outputs[0]).desc;
  const Shape& weights = graph.value(node.inputs[kWeights]).desc.shape;
  const auto geometry = ops::convGeometry(node, problem.input.shape, weights);
  const auto activation = ops::activationOf(node);
  if (!geometry.ok() || !activation.ok()) return std::nullopt;
  problem.geometry = *geometry;
  problem.activation = *activation;
  problem.weights = weightDims(*geometry, weights);
  problem.bias = present(kBias);
  problem.constantWeights = graph.value(node.inputs[kWeights]).isConstant();
  problem.residual = fused && present(kResidual);
  if (problem.residual && graph.value(node.inputs[kResidual]).desc.shape != problem.output.shape) return std::nullopt;
  if (isColumn(problem.geometry)) turn(problem);
  return problem;
}

std::string ConvProblem::kindText() const {
  std::ostringstream text;
  text << "conv g" << geometry.groups << " c" << geometry.inputChannels << " o" << geometry.outputChannels;
  for (std::size_t i = ops::kWindowAxes - geometry.spatialRank; i < ops::kWindowAxes; ++i) {
    const ops::WindowAxis& axis = geometry.axes[i];
    text << " k" << axis.kernel << "s" << axis.stride << "d" << axis.dilation << "p" << axis.padBegin << ","
         << axis.padEnd;
  }
  text << (bias ? " bias" : "") << (residual ? " sum" : "") << " a" << static_cast<int>(activation.kind);
  return text.str();
}

std::string ConvProblem::sizeText() const {
  std::string text = "b" + std::to_string(geometry.batch);
  for (std::size_t i = ops::kWindowAxes - geometry.spatialRank; i < ops::kWindowAxes; ++i)
    text += " i" + std::to_string(geometry.axes[i].input);
  return text;
}

ConvProblem ConvProblem::ungrouped() const {
  ConvProblem problem = *this;
  problem.weights.erase(problem.weights.begin());
  problem.weights[0] = geometry.outputChannels;
  problem.weights[1] = geometry.inputChannels;
  problem.geometry.groups = 1;
  return problem;
}

bool suits(const ConvProblem& problem, ConvForm form) {
  const ops::ConvGeometry& geometry = problem.geometry;
  switch (form) {
  case ConvForm::Any:
  case ConvForm::ChannelsLast: return true;
  case ConvForm::DenseGroups:
    return geometry.groups > 1 && geometry.groups <= kMaxDenseGroups && !geometry.isDepthwise() &&
           problem.constantWeights;
  case ConvForm::Blocked:
  case ConvForm::Winograd: return fillsBlocks(geometry);
  }
  return false;
}

void writeDenseGroups(const ConvProblem& problem, const float* weights, float* dense) {
  const ops::ConvGeometry& geometry = problem.geometry;
  const std::int64_t taps = geometry.kernelPositions();
  const std::int64_t own = geometry.inputChannelsPerGroup() * taps, all = geometry.inputChannels * taps;
  std::fill_n(dense, geometry.outputChannels * all, 0.0f);
  for (std::int64_t channel = 0; channel < geometry.outputChannels; ++channel) {
    const std::int64_t group = channel / geometry.outputChannelsPerGroup();
    std::copy_n(weights + channel * own, own, dense + channel * all + group * own);
  }
}

std::optional<ConvCode> convCode(const ConvProblem& problem, const ConvChoice& choice) {
  if (!suits(problem, choice.form)) return std::nullopt;
  ConvProblem inner = problem;
  ConvCode code;
  if (choice.separate) {
    code.after = rowFunctionOf(problem.activation);
    if (!code.after) return std::nullopt;
    inner.activation = {};
  }
  try {
    code.desc = makeForm(inner, choice.form);
    if (isDnnlReference(code.desc.impl_info_str())) return std::nullopt;
    // Blocks that the channels do not fill must stay zero.
    if (choice.separate && hasPadding(code.desc.dst_desc())) return std::nullopt;
    return code;
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    return std::nullopt;
  }
}

} // namespace tandem::cpu
