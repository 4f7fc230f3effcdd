// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QIcon>
#include <QString>

namespace tandem::ui {

/// One of the line icons of resources/icons, drawn in the palette's text colour (so it follows light and dark), with a
/// disabled variant. Unknown names give a null icon.
[[nodiscard]] QIcon icon(const QString& name);
[[nodiscard]] QIcon applicationIcon();
/// One of the pages of resources/help, as rich text; empty when unknown.
[[nodiscard]] QString helpText(const QString& name);

} // namespace tandem::ui
