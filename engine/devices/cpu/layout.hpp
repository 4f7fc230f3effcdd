// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <dnnl.hpp>

namespace tandem::cpu {

/// The one oneDNN engine of the process.
const dnnl::engine& engine();

/// How the elements of a value lie in memory: row-major (the default, for every element type) or as a oneDNN
/// descriptor of the same shape says.
class Layout {
 public:
  Layout() = default;
  /// Row-major where `desc` puts the bytes of its shape in that order, whatever it calls itself.
  static Layout of(const dnnl::memory::desc& desc);
  bool isPlain() const { return !m_desc; }
  const dnnl::memory::desc& desc() const { return *m_desc; } ///< not for plain layouts
  friend bool operator==(const Layout& a, const Layout& b) { return a.m_desc == b.m_desc; }

 private:
  std::optional<dnnl::memory::desc> m_desc;
};

/// The oneDNN type that stores elements of `type`; undef where it has none (64-bit types, bool, ...).
dnnl::memory::data_type dnnlType(DataType type);
dnnl::memory::dims dnnlDims(const Shape& shape); ///< a scalar becomes {1}
/// Row-major descriptor; `type` must have a oneDNN type, or the dims be meant for copies of 4-byte elements.
dnnl::memory::desc plainDesc(dnnl::memory::data_type type, const dnnl::memory::dims& dims);
dnnl::memory::desc plainDesc(const TensorDesc& desc);
/// What oneDNN has to know of a value in this layout.
dnnl::memory::desc dnnlDesc(const TensorDesc& desc, const Layout& layout);
/// A descriptor of the same shape that leaves the layout to the primitive.
dnnl::memory::desc anyDesc(const TensorDesc& desc);
/// Bytes of the value in this layout, padding included.
std::int64_t layoutBytes(const TensorDesc& desc, const Layout& layout);
/// The same order of elements for values of another type; plain where the layout is plain or padded.
Layout retyped(const Layout& layout, DataType type);
/// True where the layout stores more elements than the shape has (blocks that the channels do not fill).
bool hasPadding(const dnnl::memory::desc& desc);
/// Channels last: NHWC, NWC, NDHWC, dense.
bool isChannelsLast(const dnnl::memory::desc& desc);
/// Channels in blocks (nChw16c, nChw8c, ...) without padding: the block's width; 0 for any other layout.
std::int64_t channelBlock(const dnnl::memory::desc& desc);
/// The descriptor of `desc` with channels last; ranks 3 to 5.
dnnl::memory::desc channelsLastDesc(const TensorDesc& desc);
/// The descriptor of `desc` with channels in blocks of 8 or 16; ranks 3 to 5.
dnnl::memory::desc blockedDesc(const TensorDesc& desc, std::int64_t block);

} // namespace tandem::cpu
