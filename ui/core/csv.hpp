// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace tandem::ui {

/// One field of a line of comma separated values, in quotes where it needs them (RFC 4180).
[[nodiscard]] QString csvField(const QString& text);

} // namespace tandem::ui
