// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/kernels/byte_product.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/pool_common.hpp"

#include <algorithm>

namespace tandem::cpu {
namespace {

using dims = dnnl::memory::dims;

struct PoolWindow {
  dims kernel, strides, dilations, padsBegin, padsEnd;
  bool dilated = false;
  bool readsBeyondPads = false; ///< ceil_mode: the last window reaches further than the padding
};

PoolWindow windowOf(const ops::PoolGeometry& geometry) {
  PoolWindow window;
  for (std::size_t i = ops::kWindowAxes - geometry.spatialRank; i < ops::kWindowAxes; ++i) {
    const ops::WindowAxis& axis = geometry.axes[i];
    const std::int64_t reach = (axis.output - 1) * axis.stride + axis.span() - axis.input - axis.padBegin;
    window.kernel.push_back(axis.kernel);
    window.strides.push_back(axis.stride);
    window.dilations.push_back(axis.dilation - 1);
    window.padsBegin.push_back(axis.padBegin);
    window.padsEnd.push_back(std::max<std::int64_t>(reach, 0));
    window.dilated |= axis.dilation > 1;
    window.readsBeyondPads |= reach > axis.padEnd;
  }
  return window;
}

/// `src`: how the input is to lie.
std::optional<KernelPlan> poolPlan(const NodeView& view, dnnl::algorithm algorithm, const PoolWindow& window,
                                   const dnnl::memory::desc& src) {
  const dnnl::pooling_forward::primitive_desc desc({dnnl::prop_kind::forward_inference, algorithm, src,
                                                    anyDesc(view.output(0)), window.strides, window.kernel,
                                                    window.padsBegin, window.padsEnd},
                                                   DnnlKernelBuilder::attributes(), engine());
  if (isDnnlReference(desc.impl_info_str())) return std::nullopt;
  // Row-major pictures are pooled by plain loops in some ranks; a reorder is a fraction of that.
  const bool isSlow = std::string_view(desc.impl_info_str()).starts_with("simple");
  if (isSlow && Layout::of(src).isPlain() && view.input(0).shape.rank() <= 5)
    return poolPlan(view, algorithm, window, channelsLastDesc(view.input(0)));
  KernelPlan plan = view.plainPlan(dnnlName(desc.impl_info_str()));
  plan.inputs[0].layout = Layout::of(src);
  plan.outputs[0] = Layout::of(desc.dst_desc());
  DnnlKernelBuilder builder;
  builder.add(desc, dnnl::pooling_forward(desc),
              {inputArgument(DNNL_ARG_SRC, src, 0), outputArgument(DNNL_ARG_DST, desc.dst_desc(), 0)});
  plan.scratchBytes = builder.scratchBytes();
  plan.kernel = builder.finish();
  return plan;
}

} // namespace

std::optional<KernelPlan> poolKernel(const NodeView& view) {
  const bool bytes = view.node().type == "MaxPool" && isByte(view.input(0).type);
  if ((!view.allFloat() && !bytes) || view.wantsOutput(1)) return std::nullopt;
  const auto geometry = ops::poolGeometry(view.node(), view.input(0).shape);
  if (!geometry.ok()) return std::nullopt;
  const PoolWindow window = windowOf(*geometry);
  if (window.dilated) return std::nullopt; // oneDNN has only plain loops for it
  // For bytes there is fast code with the channels last only, which is how the convolutions leave them.
  const dnnl::memory::desc src = bytes ? channelsLastDesc(view.input(0)) : dnnlDesc(view.input(0), view.layout(0));
  if (view.node().type == "MaxPool") return poolPlan(view, dnnl::algorithm::pooling_max, window, src);
  if (geometry->countIncludePad && window.readsBeyondPads) return std::nullopt;
  return poolPlan(view,
                  geometry->countIncludePad ? dnnl::algorithm::pooling_avg_include_padding
                                            : dnnl::algorithm::pooling_avg_exclude_padding,
                  window, src);
}

std::optional<KernelPlan> globalPoolKernel(const NodeView& view) {
  const Shape& shape = view.input(0).shape;
  if (!view.allFloat() || shape.rank() < 3) return std::nullopt;
  const bool average = view.node().type == "GlobalAveragePool";
  if (!view.layout(0).isPlain()) {
    PoolWindow window;
    window.kernel.assign(shape.begin() + 2, shape.end());
    window.strides.assign(shape.rank() - 2, 1);
    window.padsBegin = window.padsEnd = dims(shape.rank() - 2, 0);
    return poolPlan(view, average ? dnnl::algorithm::pooling_avg_exclude_padding : dnnl::algorithm::pooling_max, window,
                    view.layout(0).desc());
  }
  KernelPlan plan = view.plainPlan("rows");
  const std::int64_t planes = shape[0] * shape[1];
  const std::int64_t inner = shape.elements() / planes;
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), y = static_cast<float*>(binding.outputs[0])] {
      inPieces(threads, planes, planes * inner * 4, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          y[i] = average ? static_cast<float>(rowSum(x + i * inner, inner) / static_cast<double>(inner))
                         : rowMax(x + i * inner, inner);
      });
    };
  });
  return plan;
}

} // namespace tandem::cpu
