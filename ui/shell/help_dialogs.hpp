// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QList>

class QAction;
class QDialog;
class QWidget;

namespace tandem::ui {

/// A non-blocking dialog that deletes itself; call open().
[[nodiscard]] QDialog* makeShortcutsDialog(const QList<QAction*>& actions, QWidget* parent);
[[nodiscard]] QDialog* makeAboutDialog(QWidget* parent);
[[nodiscard]] QDialog* makeGuideDialog(QWidget* parent);

} // namespace tandem::ui
