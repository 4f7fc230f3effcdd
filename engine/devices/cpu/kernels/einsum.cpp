// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/ops/einsum_equation.hpp"

#include <algorithm>
#include <array>

namespace tandem::cpu {
namespace {

using dims = dnnl::memory::dims;
constexpr auto kFloat = dnnl::memory::data_type::f32;
constexpr std::size_t kMaxAxes = 12; // of oneDNN's memory

/// Labels that play one part in a product of matrices, outermost first.
using Group = std::vector<std::size_t>;

/// A sum of products of two tensors as products of matrices, one for each element of the batch.
struct Product {
  ops::EinsumPlan plan;
  Group batch, rows, columns, depth;

  std::int64_t extentOf(const Group& group) const {
    std::int64_t extent = 1;
    for (std::size_t label : group) extent *= plan.extents[label];
    return extent;
  }
};

/// Nullopt where a label is summed over one operand alone.
std::optional<Product> productOf(const NodeView& view) {
  const auto plan = ops::planEinsum(view.node(), {view.input(0).shape, view.input(1).shape});
  if (!plan.ok()) return std::nullopt;
  Product product{*plan, {}, {}, {}, {}};
  for (std::size_t label = 0; label < plan->extents.size(); ++label) {
    if (plan->extents[label] == 1) continue;
    const bool inA = plan->strides[0][label] != 0, inB = plan->strides[1][label] != 0;
    const bool kept = label < plan->outputLabels;
    if (kept ? !(inA || inB) : !(inA && inB)) return std::nullopt;
    (!kept ? product.depth : inA && inB ? product.batch : inA ? product.rows : product.columns).push_back(label);
  }
  // Summed in the order in which the left operand has them.
  std::stable_sort(product.depth.begin(), product.depth.end(),
                   [&](std::size_t a, std::size_t b) { return plan->strides[0][a] > plan->strides[0][b]; });
  return product;
}

/// How one of the three tensors lies in memory.
struct Side {
  std::array<const Group*, 3> groups; ///< batch and the two axes of the matrix
  const std::vector<std::int64_t>& strides;
};

/// The axes of a group as one: its stride; nullopt where they do not lie like that.
std::optional<std::int64_t> mergedStride(const Product& product, const Group& group,
                                         const std::vector<std::int64_t>& strides) {
  for (std::size_t i = 0; i + 1 < group.size(); ++i)
    if (strides[group[i]] != strides[group[i + 1]] * product.plan.extents[group[i + 1]]) return std::nullopt;
  return group.empty() ? 1 : strides[group.back()];
}

dims extentsOf(const Product& product, const Side& side) {
  return {product.extentOf(*side.groups[0]), product.extentOf(*side.groups[1]), product.extentOf(*side.groups[2])};
}

/// The tensor as matrices where it lies, if that is possible.
std::optional<dnnl::memory::desc> inPlace(const Product& product, const Side& side) {
  const dims extents = extentsOf(product, side);
  dims strides;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto stride = mergedStride(product, *side.groups[i], side.strides);
    if (!stride) return std::nullopt;
    strides.push_back(*stride);
  }
  // An axis of one element may have any stride; oneDNN wants one that fits.
  if (extents[2] == 1) strides[2] = 1;
  if (extents[1] == 1) strides[1] = strides[2] == 1 ? extents[2] : 1;
  if (extents[0] == 1) strides[0] = std::max(strides[1] * extents[1], strides[2] * extents[2]);
  if (std::min(strides[1], strides[2]) != 1) return std::nullopt;
  return dnnl::memory::desc(extents, kFloat, strides);
}

/// All axes of the tensor in the order of the groups, as they lie.
dnnl::memory::desc axesDesc(const Product& product, const Side& side) {
  dims extents, strides;
  for (const Group* group : side.groups)
    for (std::size_t label : *group) {
      extents.push_back(product.plan.extents[label]);
      strides.push_back(side.strides[label]);
    }
  if (extents.empty()) return plainDesc(kFloat, {1});
  return dnnl::memory::desc(extents, kFloat, strides);
}

class Maker {
 public:
  Maker(const NodeView& view, const Product& product)
      : m_view(view),
        m_product(product),
        m_sides{{{{&product.batch, &product.rows, &product.depth}, product.plan.strides[0]},
                 {{&product.batch, &product.depth, &product.columns}, product.plan.strides[1]},
                 {{&product.batch, &product.rows, &product.columns}, product.plan.outputStrides}}} {}

  /// `copies`: the tensors are brought into rows first and last, where they do not lie so.
  std::optional<KernelPlan> make(bool copies) const {
    std::array<dnnl::memory::desc, 3> descs;
    std::array<bool, 3> copied{};
    for (std::size_t i = 0; i < 3; ++i) {
      const auto placed = inPlace(m_product, m_sides[i]);
      const dnnl::memory::desc dense = plainDesc(kFloat, extentsOf(m_product, m_sides[i]));
      copied[i] = !placed || (copies && *placed != dense);
      descs[i] = copied[i] ? dense : *placed;
    }
    const dnnl::matmul::primitive_desc desc({descs[0], descs[1], descs[2]}, DnnlKernelBuilder::attributes(), engine());
    if (isDnnlReference(desc.impl_info_str())) return std::nullopt;
    KernelPlan plan = m_view.plainPlan(dnnlName(desc.impl_info_str()));
    DnnlKernelBuilder builder;
    const DnnlArgument a = input(builder, DNNL_ARG_SRC, 0, descs[0], copied[0]);
    const DnnlArgument b = input(builder, DNNL_ARG_WEIGHTS, 1, descs[1], copied[1]);
    if (!copied[2]) {
      builder.add(desc, dnnl::matmul(desc), {a, b, outputArgument(DNNL_ARG_DST, descs[2], 0)});
    } else {
      const std::int64_t offset = builder.reserve(descs[2].get_size());
      builder.add(desc, dnnl::matmul(desc), {a, b, scratchArgument(DNNL_ARG_DST, descs[2], offset)});
      const dnnl::memory::desc to = axesDesc(m_product, m_sides[2]), from = plainDesc(kFloat, to.dims());
      const dnnl::reorder::primitive_desc last(engine(), from, engine(), to, DnnlKernelBuilder::attributes());
      builder.add(last, dnnl::reorder(last),
                  {scratchArgument(DNNL_ARG_FROM, from, offset), outputArgument(DNNL_ARG_TO, to, 0)});
    }
    plan.scratchBytes = builder.scratchBytes();
    plan.kernel = builder.finish();
    return plan;
  }

 private:
  DnnlArgument input(DnnlKernelBuilder& builder, int id, std::size_t index, const dnnl::memory::desc& desc,
                     bool copied) const {
    if (!copied) return inputArgument(id, desc, index);
    const dnnl::memory::desc from = axesDesc(m_product, m_sides[index]);
    DnnlArgument argument = builder.reorderedInput(id, from, plainDesc(kFloat, from.dims()), index);
    argument.desc = desc; // the same memory as matrices
    return argument;
  }

  const NodeView& m_view;
  const Product& m_product;
  std::array<Side, 3> m_sides;
};

} // namespace

/// Einsum of two operands, as oneDNN's products of matrices.
std::optional<KernelPlan> einsumKernel(const NodeView& view) {
  if (!view.allFloat() || view.inputCount() != 2 || view.output(0).shape.elements() == 0) return std::nullopt;
  const auto product = productOf(view);
  if (!product) return std::nullopt;
  const Maker maker(view, *product);
  const std::size_t axes =
      product->batch.size() + product->rows.size() + product->columns.size() + product->depth.size();
  if (axes > kMaxAxes || product->extentOf(product->depth) == 0) return std::nullopt;
  auto plan = maker.make(false);
  return plan ? std::move(plan) : maker.make(true);
}

} // namespace tandem::cpu
