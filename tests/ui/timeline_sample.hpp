// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/widgets/timeline/timeline_model.hpp"

namespace tandem::ui {

/// A trace of `events` slices: two request tracks, their devices with layers of different lengths and pauses between
/// executions, and transfers. The same for the same number.
[[nodiscard]] std::shared_ptr<const TimelineModel> sampleTimeline(std::size_t events);

} // namespace tandem::ui
