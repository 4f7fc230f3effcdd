// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/metrics/batch_means.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace tandem {
namespace {
constexpr std::size_t kFewest = 5;
/// More would say that hardly any value counts; the interval is then so wide that nothing follows from it anyway.
constexpr double kMostCorrelated = 0.9;

double correlationAtLagOne(const std::vector<double>& values, double mean, double squares) {
  if (squares <= 0) return 0;
  double products = 0;
  for (std::size_t i = 1; i < values.size(); ++i) products += (values[i] - mean) * (values[i - 1] - mean);
  return products / squares;
}
} // namespace

double studentT975(double degreesOfFreedom) {
  constexpr double kOne = 12.7062, kTwo = 4.3027;
  const double v = std::max(degreesOfFreedom, 1.0);
  const auto series = [](double n) {
    constexpr double z = 1.959963985;
    constexpr double z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z, z9 = z7 * z * z;
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n) +
           (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * z) / (92160 * n * n * n * n);
  };
  if (v >= 3) return series(v);
  if (v >= 2) return std::lerp(kTwo, series(3), v - 2);
  return std::lerp(kOne, kTwo, v - 1);
}

double BatchMean::halfWidth() const { return studentT975(effective - 1) * std::sqrt(variance / effective); }

std::optional<BatchMean> batchMean(const std::vector<double>& values) {
  if (values.size() < kFewest) return std::nullopt;
  BatchMean result;
  for (const double value : values) {
    if (!std::isfinite(value)) return std::nullopt;
    result.mean += value;
  }
  const auto count = static_cast<double>(values.size());
  result.mean /= count;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.variance = squares / (count - 1);
  // Only what makes the interval wider is believed: a few values tell little about a correlation.
  const double r = std::clamp(correlationAtLagOne(values, result.mean, squares), 0.0, kMostCorrelated);
  result.effective = std::max(2.0, count * (1 - r) / (1 + r));
  return result;
}

std::optional<MeanRatio> ratioOf(const BatchMean& a, const BatchMean& b) {
  if (!(a.mean > 0) || !(b.mean > 0)) return std::nullopt;
  const double ofA = a.variance / a.effective / (a.mean * a.mean);
  const double ofB = b.variance / b.effective / (b.mean * b.mean);
  MeanRatio result;
  result.ratio = b.mean / a.mean;
  const double sum = ofA + ofB;
  if (sum > 0) {
    const double freedom = sum * sum / (ofA * ofA / (a.effective - 1) + ofB * ofB / (b.effective - 1));
    const double half = studentT975(freedom) * std::sqrt(sum) * result.ratio;
    result.low = result.ratio - half;
    result.high = result.ratio + half;
  } else {
    result.low = result.high = result.ratio;
  }
  return result;
}

} // namespace tandem
