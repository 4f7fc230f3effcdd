// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/trace_file.hpp"
#include "ui/widgets/timeline/timeline_model.hpp"

#include <atomic>
#include <memory>

namespace tandem::ui {

/// A trace, ready to be shown.
struct LoadedTrace {
  std::shared_ptr<const TimelineModel> model;
  std::vector<int> nodeOfLabel; ///< by label of the model: the node that its events name; -1 for none
  std::uint64_t unusable = 0;
};

/// What the thread that loads and the window share.
struct TraceJob {
  std::atomic<bool> cancel{false};
  std::atomic<std::int64_t> bytesRead{0};
};

/// For a thread of its own: reads the file and makes the model. Requests come first, then preprocessing, then devices,
/// each with its transfers below it; tracks without events are left out.
Result<LoadedTrace> loadTrace(const QString& path, TraceJob& job, const TraceLimits& limits = {});
/// The same for a trace that was read.
Result<LoadedTrace> makeTimeline(TraceFile file, const std::atomic<bool>* cancel = nullptr);

} // namespace tandem::ui
