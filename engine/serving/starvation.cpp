// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/starvation.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double kAllBusy = 0.9;
constexpr double kMaxThreadsSaid = 1e6; // beyond this a rate was measured over next to nothing

std::string percent(double fraction) { return std::to_string(std::lround(fraction * 100)) + " %"; }

/// "110", "4.1", "0.04": two digits are enough for a sentence. With a point in every locale.
std::string rate(double value) {
  if (value >= 10) return std::to_string(std::llround(value));
  if (value >= 1) {
    const long long tenths = std::llround(value * 10);
    return std::to_string(tenths / 10) + (tenths % 10 != 0 ? "." + std::to_string(tenths % 10) : "");
  }
  const long long hundredths = std::llround(value * 100);
  if (hundredths >= 100) return "1";
  return "0." + std::string(hundredths < 10 ? "0" : "") + std::to_string(hundredths);
}

std::string threadsText(int count) { return std::to_string(count) + (count == 1 ? " thread" : " threads"); }

/// What makes one item cheaper, by the stage that takes most of it.
std::string cheaperItems(const PipelineStages& stages) {
  const bool pictures = stages.resizeNs > 0;
  if (stages.readNs * 2 > stages.totalNs()) return "faster storage";
  return pictures ? "smaller pictures" : "inputs that are saved as tensors (.npy)";
}

std::string advice(const PipelineStatistics& statistics, int threadsNeeded) {
  const std::string cheaper = cheaperItems(statistics.stages);
  // One device may be full, and keep the pipeline so, while another waits.
  const bool allBusy = threadsNeeded <= statistics.threads && statistics.busyFraction > kAllBusy;
  if (threadsNeeded == 0 || allBusy) return "use more threads or " + cheaper;
  if (threadsNeeded > statistics.processors && statistics.processors > 0) {
    const bool one = statistics.processors == 1;
    if (statistics.threads < statistics.processors)
      return "use " + threadsText(statistics.processors) + ", as many as there are processors for them, and " + cheaper;
    return "it would take " + threadsText(threadsNeeded) + ", and " + std::to_string(statistics.processors) +
           (one ? " processor is" : " processors are") + " there for them; use " + cheaper;
  }
  if (threadsNeeded > statistics.threads) return "use " + threadsText(threadsNeeded) + " or " + cheaper;
  // Fast enough on the whole, and yet nothing was ready when it was wanted.
  return "the threads were busy " + percent(statistics.busyFraction) + " of the time; use a prefetch of more than " +
         std::to_string(statistics.prefetch);
}

std::string sentenceFor(const StarvationVerdict& verdict, const PipelineStatistics& statistics) {
  std::string text;
  for (const StarvationVerdict::Device& device : verdict.devices) {
    if (device.fraction < kStarvationWorthSaying) break;
    text += text.empty() ? device.id + " waited " + percent(device.fraction) + " of the time"
                         : ", " + device.id + " " + percent(device.fraction);
  }
  text += " for preprocessing: " + threadsText(statistics.threads) +
          (statistics.threads == 1 ? " delivers " : " deliver ") + rate(verdict.deliveredItemsPerS) + " items/s";
  if (verdict.wantedItemsPerS > 0)
    text += std::string(", the ") + (verdict.devices.size() == 1 ? "device" : "devices") + " could take " +
            rate(verdict.wantedItemsPerS) + "/s";
  return text + "; " + advice(statistics, verdict.threadsNeeded);
}

} // namespace

StarvationVerdict judgeStarvation(const PipelineStatistics& statistics, double measuredS,
                                  std::span<const DeviceLoad> loads) {
  StarvationVerdict verdict;
  if (!(measuredS > 0)) return verdict;
  verdict.deliveredItemsPerS = static_cast<double>(statistics.items) / measuredS;
  double busiest = 0;
  for (const auto& idle : statistics.devices) {
    const auto load =
        std::find_if(loads.begin(), loads.end(), [&](const DeviceLoad& each) { return each.id == idle.id; });
    if (load == loads.end()) continue;
    busiest = std::max(busiest, std::min(load->busyFraction, 1.0));
    verdict.devices.push_back({idle.id, std::clamp(static_cast<double>(idle.idleNs) * 1e-9 / measuredS, 0.0, 1.0)});
  }
  std::stable_sort(verdict.devices.begin(), verdict.devices.end(),
                   [](const auto& a, const auto& b) { return a.fraction > b.fraction; });
  if (verdict.devices.empty()) return verdict;
  verdict.fraction = verdict.devices.front().fraction;
  if (busiest > 0) verdict.wantedItemsPerS = verdict.deliveredItemsPerS / busiest;
  if (const double perThread = statistics.itemsPerThreadS(); perThread > 0 && verdict.wantedItemsPerS > 0)
    if (const double threads = std::ceil(verdict.wantedItemsPerS / perThread); threads <= kMaxThreadsSaid)
      verdict.threadsNeeded = static_cast<int>(threads);
  if (verdict.fraction >= kStarvationWorthSaying) verdict.sentence = sentenceFor(verdict, statistics);
  return verdict;
}

} // namespace tandem
