// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ui/timeline_sample.hpp"

#include <random>

namespace tandem::ui {

std::shared_ptr<const TimelineModel> sampleTimeline(std::size_t events) {
  constexpr std::uint32_t kLayers = 60;
  QStringList labels;
  for (std::uint32_t i = 0; i < kLayers; ++i) labels << QStringLiteral("FusedConv block/%1/conv").arg(i);
  labels << QStringLiteral("request") << QStringLiteral("queue") << QStringLiteral("execution")
         << QStringLiteral("host to OPENCL-CPU:0");
  const std::uint32_t request = kLayers, queue = kLayers + 1, execution = kLayers + 2, transfer = kLayers + 3;
  std::vector<TimelineTrackInput> tracks(5);
  for (std::size_t copy = 0; copy < 2; ++copy) {
    const int device = static_cast<int>(copy);
    tracks[copy] = {QStringLiteral("copy %1 requests").arg(copy), {}, -1, true, 0, {}};
    tracks[2 + copy] = {QStringLiteral("copy %1").arg(copy), {}, device, false, copy == 0 ? 1000u : 0u, {}};
  }
  tracks[4] = {QStringLiteral("transfers"), {}, 1, false, 0, {}};
  std::mt19937 random(7); // its numbers are the same everywhere; distributions' are not
  std::int64_t now[2] = {0, 0};
  std::uint64_t number = 0;
  std::size_t made = 0;
  while (made < events) {
    const std::size_t copy = number % 2;
    ++number;
    const std::int64_t begin = now[copy];
    std::int64_t at = begin + 1000;
    if (copy == 1) {
      tracks[4].slices.push_back({at, at + 20'000, 600'000, number, transfer, SliceKind::Transfer});
      at += 21'000;
      ++made;
    }
    for (std::uint32_t layer = 0; layer < kLayers && made < events; ++layer, ++made) {
      const std::int64_t took = 500 + static_cast<std::int64_t>(random() % 40'000) / (layer % 7 + 1);
      tracks[2 + copy].slices.push_back({at, at + took, 0, number, layer, SliceKind::Kernel});
      at += took + 50;
    }
    const std::int64_t waited = begin - static_cast<std::int64_t>(random() % 400'000);
    if (made + 3 <= events) {
      tracks[copy].slices.push_back({std::max<std::int64_t>(waited, 0), at, 0, number, request, SliceKind::Request});
      tracks[copy].slices.push_back({std::max<std::int64_t>(waited, 0), begin, 0, number, queue, SliceKind::Queue});
      tracks[copy].slices.push_back({begin, at, 0, number, execution, SliceKind::Request});
      made += 3;
    }
    now[copy] = at + static_cast<std::int64_t>(random() % 50'000);
  }
  return TimelineModel::build(std::move(tracks), labels, {QStringLiteral("CPU:0"), QStringLiteral("OPENCL-CPU:0")});
}

} // namespace tandem::ui
