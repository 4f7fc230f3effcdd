// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/profile_types.hpp"

#include <QString>

/// How measured layers read against what their devices can do.
namespace tandem::ui {

/// "compute", "memory", "overhead" for people; an en dash where not known.
[[nodiscard]] QString roofText(const session::LayerTime& layer);
/// "77 %" of the layer's roof; an en dash where not known.
[[nodiscard]] QString roofShareText(const session::LayerTime& layer);
/// A rate or an intensity: "1,234", "56.0", "0.012", never 0; an en dash where not known.
[[nodiscard]] QString rateText(const std::optional<double>& value);
/// Time over what the roof allows, in ms; 0 for layers beyond their roof, negative where not known.
[[nodiscard]] double lostMs(const session::LayerTime& layer);
/// Rich text of several lines: what ran, its time, rates, share of the roof, and why that may be over 100 %.
[[nodiscard]] QString roofToolTip(const session::LayerTime& layer, const QString& name, const QString& op);
/// One line for a whole measurement: time, GFLOP/s, share of the peaks and of the roofs, and what has no peaks.
[[nodiscard]] QString profileSummary(const session::Profile& profile);
/// Why shares may be over 100 %.
[[nodiscard]] QString overHundredText();

} // namespace tandem::ui
