// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <cstdint>
#include <string>

namespace tandem {

/// How far two tensors may be apart: |a - b| <= atol + rtol * size, see ErrorScale.
struct DifferenceLimits {
  double rtol = 1e-3, atol = 1e-5;
};

/// What a relative tolerance is relative to.
enum class ErrorScale {
  Element, ///< |a| of that element: the rule of the ONNX backend tests, for results
  Tensor,  ///< |a| or the root mean square of A's tensor, the larger: for values inside a network, where elements near
           ///< zero are differences of large ones and have no digits of their own
};

/// How tensor B differs from tensor A. Figures are over the elements that are finite on both sides.
struct Difference {
  std::int64_t elements = 0;
  std::int64_t over = 0;    ///< elements beyond the limits; of integers and booleans: elements that differ at all
  std::int64_t special = 0; ///< elements where one side is NaN or infinite and the other is not the same
  double maxAbs = 0;
  double maxRel = 0;      ///< largest |a - b| / |a| where a is not 0
  double rms = 0;         ///< root mean square of a - b
  double relativeRms = 0; ///< the same, divided by that of a; 0 where a is all zero
  double cosine = 1;      ///< of the angle between the two; 1 where either is all zero
  /// Largest |a - b| divided by what the limits allow: over 1 is a mismatch. Integers: 1 + |a - b| where they differ.
  /// Infinite for special elements and for tensors that cannot be compared.
  double worst = 0;
  std::int64_t worstIndex = -1; ///< row-major; -1: all equal
  double worstA = 0, worstB = 0;
  std::string problem; ///< why the two cannot be compared: another type or shape

  bool isOver() const { return worst > 1; }
};

Difference differenceOf(const Tensor& a, const Tensor& b, const DifferenceLimits& limits, ErrorScale scale);

} // namespace tandem
