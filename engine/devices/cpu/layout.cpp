// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/layout.hpp"

namespace tandem::cpu {
namespace {

const dnnl_memory_desc_t& raw(const dnnl::memory::desc& desc) { return desc.data; }

bool isBlocked(const dnnl_memory_desc_t& md) { return md.format_kind == dnnl_blocked && md.offset0 == 0; }

bool isRowMajor(const dnnl::memory::desc& desc) {
  const dnnl_memory_desc_t& md = raw(desc);
  if (!isBlocked(md) || hasPadding(desc)) return false;
  const dnnl_blocking_desc_t& blocks = md.format_desc.blocking;
  if (blocks.inner_nblks > 1) return false;
  const int blockedAxis = blocks.inner_nblks == 1 ? static_cast<int>(blocks.inner_idxs[0]) : -1;
  dnnl_dim_t expected = 1;
  for (int axis = md.ndims - 1; axis >= 0; --axis) {
    if (md.dims[axis] == 1) continue;
    // Blocks of the innermost axis that is longer than one follow each other like its elements.
    if (axis == blockedAxis) {
      if (expected != 1) return false;
      if (blocks.strides[axis] != blocks.inner_blks[0] && md.dims[axis] != blocks.inner_blks[0]) return false;
    } else if (blocks.strides[axis] != expected) {
      return false;
    }
    expected *= md.dims[axis];
  }
  return true;
}

} // namespace

const dnnl::engine& engine() {
  static const dnnl::engine cpuEngine(dnnl::engine::kind::cpu, 0);
  return cpuEngine;
}

Layout Layout::of(const dnnl::memory::desc& desc) {
  Layout layout;
  if (!isRowMajor(desc)) layout.m_desc = desc;
  return layout;
}

dnnl::memory::data_type dnnlType(DataType type) {
  using dt = dnnl::memory::data_type;
  switch (type) {
  case DataType::Float32: return dt::f32;
  case DataType::Float16: return dt::f16;
  case DataType::BFloat16: return dt::bf16;
  case DataType::Int32: return dt::s32;
  case DataType::Int8: return dt::s8;
  case DataType::UInt8: return dt::u8;
  default: return dt::undef;
  }
}

dnnl::memory::dims dnnlDims(const Shape& shape) {
  if (shape.rank() == 0) return {1};
  return {shape.begin(), shape.end()};
}

dnnl::memory::desc plainDesc(dnnl::memory::data_type type, const dnnl::memory::dims& dims) {
  dnnl::memory::dims strides(dims.size(), 1);
  for (std::size_t axis = dims.size() - 1; axis-- > 0;)
    strides[axis] = strides[axis + 1] * std::max<dnnl_dim_t>(dims[axis + 1], 1);
  return {dims, type, strides};
}

dnnl::memory::desc plainDesc(const TensorDesc& desc) { return plainDesc(dnnlType(desc.type), dnnlDims(desc.shape)); }

dnnl::memory::desc dnnlDesc(const TensorDesc& desc, const Layout& layout) {
  return layout.isPlain() ? plainDesc(desc) : layout.desc();
}

dnnl::memory::desc anyDesc(const TensorDesc& desc) {
  return {dnnlDims(desc.shape), dnnlType(desc.type), dnnl::memory::format_tag::any};
}

std::int64_t layoutBytes(const TensorDesc& desc, const Layout& layout) {
  return layout.isPlain() ? desc.bytes() : static_cast<std::int64_t>(layout.desc().get_size());
}

Layout retyped(const Layout& layout, DataType type) {
  if (layout.isPlain() || hasPadding(layout.desc())) return {};
  dnnl_memory_desc_t other = raw(layout.desc());
  other.data_type = static_cast<dnnl_data_type_t>(dnnlType(type));
  return Layout::of(dnnl::memory::desc(other));
}

bool hasPadding(const dnnl::memory::desc& desc) {
  const dnnl_memory_desc_t& md = raw(desc);
  for (int axis = 0; axis < md.ndims; ++axis)
    if (md.dims[axis] != md.padded_dims[axis]) return true;
  return false;
}

bool isChannelsLast(const dnnl::memory::desc& desc) {
  const dnnl_memory_desc_t& md = raw(desc);
  if (!isBlocked(md) || md.ndims < 3 || md.format_desc.blocking.inner_nblks != 0 || hasPadding(desc)) return false;
  const dnnl_dim_t* strides = md.format_desc.blocking.strides;
  if (strides[1] != 1) return false;
  dnnl_dim_t expected = md.dims[1];
  for (int axis = md.ndims - 1; axis >= 0; --axis) {
    if (axis == 1 || md.dims[axis] == 1) continue;
    if (strides[axis] != expected) return false;
    expected *= md.dims[axis];
  }
  return true;
}

std::int64_t channelBlock(const dnnl::memory::desc& desc) {
  const dnnl_memory_desc_t& md = raw(desc);
  if (!isBlocked(md) || md.ndims < 3 || hasPadding(desc)) return 0;
  const dnnl_blocking_desc_t& blocks = md.format_desc.blocking;
  if (blocks.inner_nblks != 1 || blocks.inner_idxs[0] != 1) return 0;
  dnnl_dim_t expected = blocks.inner_blks[0];
  for (int axis = md.ndims - 1; axis >= 0; --axis) {
    const dnnl_dim_t count = axis == 1 ? md.dims[1] / blocks.inner_blks[0] : md.dims[axis];
    if (count == 1) continue;
    if (blocks.strides[axis] != expected) return 0;
    expected *= count;
  }
  return blocks.inner_blks[0];
}

dnnl::memory::desc channelsLastDesc(const TensorDesc& desc) {
  using tag = dnnl::memory::format_tag;
  constexpr std::array<tag, 3> kLast{tag::nwc, tag::nhwc, tag::ndhwc};
  TANDEM_ASSERT(desc.shape.rank() >= 3 && desc.shape.rank() <= 5);
  return {dnnlDims(desc.shape), dnnlType(desc.type), kLast[desc.shape.rank() - 3]};
}

dnnl::memory::desc blockedDesc(const TensorDesc& desc, std::int64_t block) {
  using tag = dnnl::memory::format_tag;
  constexpr std::array<tag, 3> kBy16{tag::nCw16c, tag::nChw16c, tag::nCdhw16c};
  constexpr std::array<tag, 3> kBy8{tag::nCw8c, tag::nChw8c, tag::nCdhw8c};
  TANDEM_ASSERT(desc.shape.rank() >= 3 && desc.shape.rank() <= 5 && (block == 8 || block == 16));
  return {dnnlDims(desc.shape), dnnlType(desc.type), (block == 16 ? kBy16 : kBy8)[desc.shape.rank() - 3]};
}

} // namespace tandem::cpu
