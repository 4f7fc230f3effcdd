// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/tensor_difference.hpp"

#include "engine/tensor/visit.hpp"

#include <cmath>
#include <limits>

namespace tandem {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

template <class T> double toDouble(T value) { return static_cast<double>(static_cast<ComputeTypeOf<T>>(value)); }

struct Sums {
  double aa = 0, bb = 0, ab = 0, difference = 0;
};

void remember(Difference& result, double worst, std::int64_t index, double a, double b) {
  if (worst <= result.worst) return;
  result.worst = worst;
  result.worstIndex = index;
  result.worstA = a;
  result.worstB = b;
}

template <class T> double rootMeanSquare(const T* values, std::int64_t count) {
  double sum = 0;
  std::int64_t finite = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = toDouble(values[i]);
    if (!std::isfinite(value)) continue;
    sum += value * value;
    ++finite;
  }
  return finite > 0 ? std::sqrt(sum / static_cast<double>(finite)) : 0;
}

template <class T>
void compareFloats(const T* a, const T* b, const DifferenceLimits& limits, ErrorScale scale, Difference& result,
                   Sums& sums) {
  const double size = scale == ErrorScale::Tensor ? rootMeanSquare(a, result.elements) : 0;
  for (std::int64_t i = 0; i < result.elements; ++i) {
    const double x = toDouble(a[i]), y = toDouble(b[i]);
    if (!std::isfinite(x) || !std::isfinite(y)) {
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      ++result.special;
      ++result.over;
      remember(result, kInfinite, i, x, y);
      continue;
    }
    sums.aa += x * x;
    sums.bb += y * y;
    sums.ab += x * y;
    const double difference = std::abs(x - y);
    if (difference == 0) continue;
    sums.difference += difference * difference;
    result.maxAbs = std::max(result.maxAbs, difference);
    if (x != 0) result.maxRel = std::max(result.maxRel, difference / std::abs(x));
    const double allowed = limits.atol + limits.rtol * std::max(std::abs(x), size);
    const double worst = allowed > 0 ? difference / allowed : kInfinite;
    if (worst > 1) ++result.over;
    remember(result, worst, i, x, y);
  }
}

template <class T> void compareIntegers(const T* a, const T* b, Difference& result, Sums& sums) {
  for (std::int64_t i = 0; i < result.elements; ++i) {
    const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    sums.aa += x * x;
    sums.bb += y * y;
    sums.ab += x * y;
    if (a[i] == b[i]) continue;
    // 64-bit integers may differ by less than a double can tell.
    const double difference = std::max(1.0, std::abs(x - y));
    sums.difference += difference * difference;
    ++result.over;
    result.maxAbs = std::max(result.maxAbs, difference);
    if (x != 0) result.maxRel = std::max(result.maxRel, difference / std::abs(x));
    remember(result, 1 + difference, i, x, y);
  }
}

} // namespace

Difference differenceOf(const Tensor& a, const Tensor& b, const DifferenceLimits& limits, ErrorScale scale) {
  Difference result;
  if (a.desc() != b.desc()) {
    result.worst = kInfinite;
    result.problem = "A is " + a.desc().toString() + ", B is " + b.desc().toString();
    return result;
  }
  result.elements = a.elements();
  Sums sums;
  auto floats = [&]<class T>(TypeTag<T>) {
    compareFloats(a.as<T>().data(), b.as<T>().data(), limits, scale, result, sums);
  };
  auto integers = [&]<class T>(TypeTag<T>) {
    if constexpr (std::is_integral_v<T>) compareIntegers(a.as<T>().data(), b.as<T>().data(), result, sums);
  };
  const bool known = isFloating(a.type()) ? visitFloating(a.type(), floats) : visitType(a.type(), integers);
  if (!known) {
    result.worst = kInfinite;
    result.problem = a.desc().toString() + " cannot be compared";
    return result;
  }
  if (result.elements > 0) result.rms = std::sqrt(sums.difference / static_cast<double>(result.elements));
  if (sums.aa > 0) result.relativeRms = std::sqrt(sums.difference / sums.aa);
  if (sums.aa > 0 && sums.bb > 0) result.cosine = sums.ab / (std::sqrt(sums.aa) * std::sqrt(sums.bb));
  return result;
}

} // namespace tandem
