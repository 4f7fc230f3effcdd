// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/theme.hpp"
#include "ui/models/run_history.hpp"

namespace tandem::ui {

/// The report of a run for a QTextBrowser: the verdict first, then latency, work, events and what it cost.
[[nodiscard]] QString reportHtml(const RunHistory::Entry& entry, const Theme& theme);

} // namespace tandem::ui
