// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/view.hpp"

#include <cstring>

namespace tandem::ops {

Result<void> copyAs(ReferenceContext& context, const Shape& shape) {
  const Tensor& x = context.input(0);
  if (shape.checkedElements() != x.elements())
    return context.fail("cannot give " + x.shape().toString() + " the shape " + shape.toString());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  std::memcpy(y.mutableData(), x.data(), x.bytes());
  return {};
}

} // namespace tandem::ops
