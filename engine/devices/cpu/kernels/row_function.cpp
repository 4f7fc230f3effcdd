// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/row_function.hpp"

#include "engine/devices/cpu/kernels/row_code.hpp"
#include "engine/devices/cpu/kernels/vector_isa.hpp"
#include "engine/devices/cpu/loops.hpp"

namespace tandem::cpu {

RowFunction rowFunctionOf(const ops::Activation& activation) {
  using ops::ActivationKind;
  const RowCode& code = widest(kRowsVersions);
  switch (activation.kind) {
  case ActivationKind::Sigmoid: return code.sigmoid;
  case ActivationKind::Tanh: return code.tanh;
  case ActivationKind::Gelu: return code.gelu;
  case ActivationKind::Swish:
    return [swish = code.swish, alpha = activation.alpha](const float* x, float* y, std::int64_t count) {
      swish(x, y, count, alpha);
    };
  default: return {};
  }
}

void runInPieces(const RowFunction& function, const float* x, float* y, std::int64_t count, int threads) {
  inPieces(threads, count, count * 8,
           [&](std::int64_t begin, std::int64_t end) { function(x + begin, y + begin, end - begin); });
}

} // namespace tandem::cpu
