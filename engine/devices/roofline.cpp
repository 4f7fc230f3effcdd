// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/roofline.hpp"

#include <algorithm>

namespace tandem {
namespace {

/// `amount` of work at `giga` * 1e9 per second, in milliseconds; 0 where the rate is not known.
double msAt(double amount, double giga) { return giga > 0 ? amount / (giga * 1e6) : 0; }

double copyMs(std::int64_t bytes, double gbPerS, double roundTripUs) {
  return roundTripUs * 0.5e-3 + msAt(static_cast<double>(bytes), gbPerS);
}

} // namespace

double rooflineMs(const OpCost& cost, const ProbeResult& peaks) {
  const auto bytes = static_cast<double>(cost.parameterBytes + cost.activationBytes);
  return std::max(msAt(cost.flops, peaks.gflops), msAt(bytes, peaks.memoryGbPerS)) + peaks.launchUs * 1e-3;
}

double copyToDeviceMs(std::int64_t bytes, const ProbeResult& peaks) {
  return copyMs(bytes, peaks.toDeviceGbPerS, peaks.roundTripUs);
}

double copyToHostMs(std::int64_t bytes, const ProbeResult& peaks) {
  return copyMs(bytes, peaks.toHostGbPerS, peaks.roundTripUs);
}

} // namespace tandem
