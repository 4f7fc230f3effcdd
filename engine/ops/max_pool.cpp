// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/pool_common.hpp"
#include "engine/tensor/visit.hpp"

#include <limits>

namespace tandem::ops {
namespace {

/// Lowest value, so that a window that lies wholly in the padding gives that.
template <class C> constexpr C lowestOf() {
  if constexpr (std::numeric_limits<C>::has_infinity) return -std::numeric_limits<C>::infinity();
  return std::numeric_limits<C>::lowest();
}

/// Position in the flattened tensor; storage_order 1 flattens the spatial axes with the first one fastest.
std::int64_t flatIndex(const WindowAxes& axes, bool columnMajor, std::int64_t d, std::int64_t h, std::int64_t w) {
  if (columnMajor) return (w * axes[1].input + h) * axes[0].input + d;
  return (d * axes[1].input + h) * axes[2].input + w;
}

template <class T>
void maxPool(const PoolGeometry& geometry, bool columnMajor, const T* x, T* y, std::int64_t* indices) {
  using C = ComputeTypeOf<T>;
  const std::int64_t size = geometry.inputPositions();
  forEachWindow(geometry, [&](std::int64_t plane, std::int64_t index, const PoolWindow& window) {
    const T* src = x + plane * size;
    C best = lowestOf<C>();
    std::int64_t where = -1;
    forEachElement(geometry, window, [&](std::int64_t d, std::int64_t h, std::int64_t w, std::int64_t offset) {
      const C value = static_cast<C>(src[offset]);
      const bool isNan = value != value;
      if (!(value > best) && !isNan && where >= 0) return;
      best = value;
      if (indices)
        where = flatIndex(geometry.axes, columnMajor, d, h, w);
      else
        where = 0;
    });
    const std::int64_t at = plane * geometry.outputPositions() + index;
    y[at] = static_cast<T>(best);
    if (indices) indices[at] = where < 0 ? -1 : plane * size + where;
  });
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const PoolGeometry geometry = TANDEM_TRY(poolGeometry(context.node(), x.shape()));
  Tensor y = context.output(0, x.type(), geometry.outputShape());
  Tensor indices;
  if (context.wantsOutput(1)) indices = context.output(1, DataType::Int64, geometry.outputShape());
  const bool columnMajor = context.attributes().getInt("storage_order", 0) != 0;
  const bool known = visitType(x.type(), [&]<class T>(TypeTag<T>) {
    if constexpr (!std::is_same_v<T, bool>)
      maxPool(geometry, columnMajor, x.as<T>().data(), y.mutableAs<T>().data(),
              indices.defined() ? indices.mutableAs<std::int64_t>().data() : nullptr);
  });
  if (!known || x.type() == DataType::Bool) return context.fail("cannot pool " + x.desc().toString());
  return {};
}

} // namespace

// ONNX MaxPool: 8 adds Indices and storage_order, 10 ceil_mode and dilations, 12 the 8-bit types, 22 bfloat16.
extern const OpDef kMaxPool = {.type = "MaxPool",
                               .domain = "",
                               .versions = {1, 8, 10, 11, 12, 22},
                               .maxOutputs = 2,
                               .infer = inferPool,
                               .flops = poolFlops,
                               .reference = reference};

} // namespace tandem::ops
