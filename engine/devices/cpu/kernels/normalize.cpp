// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/kernels/row_code.hpp"
#include "engine/devices/cpu/kernels/vector_isa.hpp"
#include "engine/devices/cpu/loops.hpp"

#include <limits>

namespace tandem::cpu {
namespace {

constexpr auto kInference = dnnl::prop_kind::forward_inference;
constexpr auto kFloat = dnnl::memory::data_type::f32;

/// Completes a plan whose input and output 0 share `data`, which may be the same memory.
template <class Primitive>
std::optional<KernelPlan> inPlacePlan(const NodeView& view, const typename Primitive::primitive_desc& desc,
                                      const dnnl::memory::desc& data, const Layout& layout,
                                      std::vector<DnnlArgument> arguments) {
  if (isDnnlReference(desc.impl_info_str())) return std::nullopt;
  KernelPlan plan = view.plainPlan(dnnlName(desc.impl_info_str()));
  plan.inputs[0].layout = plan.outputs[0] = layout;
  plan.overwrites = {0};
  arguments.push_back(inputArgument(DNNL_ARG_SRC, data, 0));
  arguments.push_back(outputArgument(DNNL_ARG_DST, data, 0));
  DnnlKernelBuilder builder;
  builder.add(desc, Primitive(desc), std::move(arguments));
  plan.scratchBytes = builder.scratchBytes();
  plan.kernel = builder.finish();
  return plan;
}

/// Every row is normalized and multiplied by input 1; input 2, if there is one, is added.
KernelPlan normalizedRowsPlan(const NodeView& view, std::int64_t rows, std::int64_t count, bool centred) {
  const RowCode& code = widest(kRowsVersions);
  KernelPlan plan = view.plainPlan(code.name);
  plan.overwrites = {0};
  plan.kernel = makeKernel([=, threads = view.threads(), hasShift = view.hasInput(2), normalize = code.normalize,
                            epsilon = view.attributes().getFloat("epsilon", 1e-5f)](const Binding& binding) {
    const RowNormalization work{static_cast<const float*>(binding.inputs[0]),
                                static_cast<float*>(binding.outputs[0]),
                                count,
                                static_cast<const float*>(binding.inputs[1]),
                                hasShift ? static_cast<const float*>(binding.inputs[2]) : nullptr,
                                epsilon,
                                centred};
    return [=] {
      inPieces(threads, rows, rows * count * 8,
               [&](std::int64_t begin, std::int64_t end) { normalize(work, begin, end); });
    };
  });
  return plan;
}

/// Softmax of rows of plain memory.
KernelPlan softmaxRowsPlan(const NodeView& view, std::int64_t rows, std::int64_t count) {
  const RowCode& code = widest(kRowsVersions);
  KernelPlan plan = view.plainPlan(code.name);
  plan.overwrites = {0};
  plan.kernel = makeKernel([=, threads = view.threads(), softmax = code.softmax](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), y = static_cast<float*>(binding.outputs[0])] {
      inPieces(threads, rows, rows * count * 8, [&](std::int64_t begin, std::int64_t end) {
        softmax(x + begin * count, y + begin * count, end - begin, count);
      });
    };
  });
  return plan;
}

/// Softmax over the middle one of three axes.
KernelPlan softmaxDownPlan(const NodeView& view, std::int64_t outer, std::int64_t count, std::int64_t inner) {
  const RowCode& code = widest(kRowsVersions);
  KernelPlan plan = view.plainPlan(code.name);
  plan.overwrites = {0};
  plan.kernel = makeKernel([=, threads = view.threads(), softmax = code.softmaxDown](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), y = static_cast<float*>(binding.outputs[0])] {
      inPieces(threads, outer, outer * count * inner * 8, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) softmax(x + i * count * inner, y + i * count * inner, count, inner);
      });
    };
  });
  return plan;
}

} // namespace

std::optional<KernelPlan> softmaxKernel(const NodeView& view) {
  if (!view.allFloat()) return std::nullopt;
  const Shape& shape = view.input(0).shape;
  const bool flattens = view.version() < 13;
  const auto axis = normalizeAxis(view.attributes().getInt("axis", flattens ? 1 : -1), shape.rank());
  if (!axis) return std::nullopt;
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < *axis; ++i) outer *= shape[i];
  for (std::size_t i = *axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  const dnnl::memory::dims dims = flattens     ? dnnl::memory::dims{outer, shape[*axis] * inner}
                                  : inner == 1 ? dnnl::memory::dims{outer, shape[*axis]}
                                               : dnnl::memory::dims{outer, shape[*axis], inner};
  if (view.node().type == "Softmax" && (flattens || inner == 1)) return softmaxRowsPlan(view, dims[0], dims[1]);
  if (view.node().type == "Softmax") return softmaxDownPlan(view, dims[0], dims[1], dims[2]);
  const dnnl::memory::desc data = plainDesc(kFloat, dims);
  const auto attr = DnnlKernelBuilder::attributes();
  return inPlacePlan<dnnl::logsoftmax_forward>(view, {{kInference, data, 1}, attr, engine()}, data, {}, {});
}

std::optional<KernelPlan> batchNormalizationKernel(const NodeView& view) {
  const Shape& shape = view.input(0).shape;
  if (!view.allFloat() || shape.rank() < 2 || shape.rank() > 5 || view.attributes().getInt("training_mode", 0) != 0 ||
      view.attributes().getInt("spatial", 1) != 1)
    return std::nullopt;
  for (std::size_t i = 1; i < view.outputCount(); ++i)
    if (view.wantsOutput(i)) return std::nullopt;
  const dnnl::memory::desc data = dnnlDesc(view.input(0), view.layout(0));
  using flags = dnnl::normalization_flags;
  const dnnl::batch_normalization_forward::primitive_desc desc(
      {kInference, data, view.attributes().getFloat("epsilon", 1e-5f),
       flags::use_global_stats | flags::use_scale | flags::use_shift},
      DnnlKernelBuilder::attributes(), engine());
  const dnnl::memory::desc channels = plainDesc(kFloat, {shape[1]});
  return inPlacePlan<dnnl::batch_normalization_forward>(
      view, desc, data, view.layout(0),
      {inputArgument(DNNL_ARG_SCALE, channels, 1), inputArgument(DNNL_ARG_SHIFT, channels, 2),
       inputArgument(DNNL_ARG_MEAN, channels, 3), inputArgument(DNNL_ARG_VARIANCE, channels, 4)});
}

/// InstanceNormalization, which is a group for every channel, and GroupNormalization.
std::optional<KernelPlan> groupNormalizationKernel(const NodeView& view) {
  const Shape& shape = view.input(0).shape;
  if (!view.allFloat() || shape.rank() < 2 || shape.elements() == 0) return std::nullopt;
  const bool perChannel = view.node().type == "InstanceNormalization" || view.version() >= 21;
  const std::int64_t channels = shape[1];
  const std::int64_t groups =
      view.node().type == "InstanceNormalization" ? channels : view.attributes().getInt("num_groups", 0);
  if (groups < 1 || channels % groups != 0) return std::nullopt;
  for (std::size_t i : {std::size_t{1}, std::size_t{2}})
    if (view.input(i).shape.elements() != (perChannel ? channels : groups)) return std::nullopt;
  const RowCode& code = widest(kRowsVersions);
  KernelPlan plan = view.plainPlan(code.name);
  plan.overwrites = {0};
  const std::int64_t rows = shape[0] * groups, members = channels / groups, inner = shape.elements() / (rows * members);
  plan.kernel = makeKernel([=, threads = view.threads(), normalize = code.normalize,
                            epsilon = view.attributes().getFloat("epsilon", 1e-5f)](const Binding& binding) {
    const RowNormalization work{static_cast<const float*>(binding.inputs[0]),
                                static_cast<float*>(binding.outputs[0]),
                                members * inner,
                                nullptr,
                                nullptr,
                                epsilon,
                                true};
    return [=, scale = static_cast<const float*>(binding.inputs[1]),
            shift = static_cast<const float*>(binding.inputs[2])] {
      constexpr float kEndless = std::numeric_limits<float>::infinity();
      inPieces(threads, rows, rows * work.count * 8, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          normalize(work, row, row + 1);
          for (std::int64_t c = 0; c < members; ++c) {
            const std::int64_t at = perChannel ? row % groups * members + c : row % groups;
            float* channel = work.y + row * work.count + c * inner;
            scaleRow(channel, scale + at, shift + at, {-kEndless, kEndless}, 1, inner, channel);
          }
        }
      });
    };
  });
  return plan;
}

std::optional<KernelPlan> lrnKernel(const NodeView& view) {
  const Attributes& attributes = view.attributes();
  const std::int64_t size = attributes.getInt("size", 0);
  // oneDNN's window lies evenly around the channel; an even size has one more above than below.
  if (!view.allFloat() || view.input(0).shape.rank() != 4 || size % 2 == 0) return std::nullopt;
  const dnnl::memory::desc data = dnnlDesc(view.input(0), view.layout(0));
  const dnnl::lrn_forward::primitive_desc desc({kInference, dnnl::algorithm::lrn_across_channels, data, size,
                                                attributes.getFloat("alpha", 1e-4f), attributes.getFloat("beta", 0.75f),
                                                attributes.getFloat("bias", 1.0f)},
                                               DnnlKernelBuilder::attributes(), engine());
  std::optional<KernelPlan> plan = inPlacePlan<dnnl::lrn_forward>(view, desc, data, view.layout(0), {});
  if (plan) plan->overwrites.clear(); // reads neighbouring channels
  return plan;
}

/// LayerNormalization, RMSNormalization and SimplifiedLayerNormalization.
std::optional<KernelPlan> layerNormalizationKernel(const NodeView& view) {
  const Shape& shape = view.input(0).shape;
  if (!view.allFloat() || view.wantsOutput(1) || view.wantsOutput(2)) return std::nullopt;
  const auto axis = normalizeAxis(view.attributes().getInt("axis", -1), shape.rank());
  if (!axis) return std::nullopt;
  std::int64_t inner = 1;
  for (std::size_t i = *axis; i < shape.rank(); ++i) inner *= shape[i];
  for (std::size_t i = 1; i < view.inputCount(); ++i)
    if (view.hasInput(i) && view.input(i).shape.elements() != inner) return std::nullopt;
  return normalizedRowsPlan(view, shape.elements() / inner, inner, view.node().type == "LayerNormalization");
}

} // namespace tandem::cpu
