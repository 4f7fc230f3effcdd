// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/block_rearrange.hpp"

#include "engine/ops/strided.hpp"

namespace tandem::ops {

Result<void> permuteAs(ReferenceContext& context, const Shape& split, std::span<const std::size_t> perm,
                       const Shape& shape) {
  const Tensor& x = context.input(0);
  const std::vector<std::int64_t> strides = split.strides();
  StridedView view;
  for (std::size_t axis : perm) {
    view.dims.push_back(split[axis]);
    view.strides.push_back(strides[axis]);
  }
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  copyStrided(x.data(), std::move(view), y.mutableData(), byteSize(x.type()));
  return {};
}

} // namespace tandem::ops
