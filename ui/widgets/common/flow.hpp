// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QRect>
#include <QSize>

namespace tandem::ui {

/// Puts boxes of `sizes` one after another into rows of `width` pixels, in order, with `gap` between them and between
/// rows. No two overlap; a box wider than a row is narrowed to it. The last one's bottom is the height needed.
[[nodiscard]] QList<QRect> flow(const QList<QSize>& sizes, int width, QSize gap);

} // namespace tandem::ui
