// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QLabel;
class QProgressBar;
class QPushButton;
class QVBoxLayout;

namespace tandem::ui {

/// The devices as cards, what failed to enumerate, advice where there is no GPU, and the core sets.
class DevicesPanel : public QWidget {
  Q_OBJECT
 public:
  explicit DevicesPanel(Workspace& workspace, QWidget* parent = nullptr);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void rebuild();
  void askLimit(const QString& id);
  void addNote(const QString& text, bool problem);
  Workspace& m_workspace;
  QVBoxLayout* m_cards;
  QProgressBar* m_loading;
  QPushButton* m_probe;
};

} // namespace tandem::ui
