// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

namespace tandem::ops {

/// Rotary position embedding (arXiv:2104.09864) of one head, in place: `half` pairs turn by angles with these cosines
/// and sines. Interleaved pairs lie side by side, others half a head apart; what follows the pairs stays as it is.
template <class Real>
void rotatePairs(std::int64_t half, bool interleaved, const Real* cosines, const Real* sines, Real* head) {
  for (std::int64_t i = 0; i < half; ++i) {
    Real& real = interleaved ? head[2 * i] : head[i];
    Real& imaginary = interleaved ? head[2 * i + 1] : head[i + half];
    const Real turned = real * cosines[i] - imaginary * sines[i];
    imaginary = real * sines[i] + imaginary * cosines[i];
    real = turned;
  }
}

} // namespace tandem::ops
