// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <optional>
#include <vector>

namespace tandem {

/// A mean and how sure it is, by the method of batch means: a run is cut into equal stretches, each gives one value,
/// and the values' scatter gives the confidence (Schmeiser, "Batch size effects in the analysis of simulation output",
/// Operations Research 30, 1982: ten to thirty batches suffice). Values that follow each other are allowed for by
/// counting fewer of them, n (1 - r) / (1 + r), with r their correlation at lag one (Thiebaux and Zwiers, 1984).
struct BatchMean {
  double mean = 0;
  double variance = 0;  ///< of one value
  double effective = 0; ///< values that count; at least 2
  /// Half of the 95 % confidence interval, in the mean's unit.
  [[nodiscard]] double halfWidth() const;
};

/// Empty where there are fewer than five values, or one that is not finite.
[[nodiscard]] std::optional<BatchMean> batchMean(const std::vector<double>& values);

/// b / a with its 95 % confidence interval, by the delta method and Welch's degrees of freedom.
struct MeanRatio {
  double ratio = 1, low = 1, high = 1;
  /// Whether the interval excludes 1: the two differ by more than the noise within them.
  [[nodiscard]] bool differs() const { return low > 1 || high < 1; }
};

/// Empty where a mean is not above 0.
[[nodiscard]] std::optional<MeanRatio> ratioOf(const BatchMean& a, const BatchMean& b);

/// What Student's t stays below with a probability of 97.5 %, for degrees of freedom from 1 on (fractions allowed):
/// exact for 1 and 2, Abramowitz and Stegun 26.7.5 from 3 on (off by less than 0.01), between them in between.
[[nodiscard]] double studentT975(double degreesOfFreedom);

} // namespace tandem
