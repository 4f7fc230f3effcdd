// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QTimer>
#include <QWidget>

class QComboBox;
class QLabel;
class QTextBrowser;
class QToolButton;

namespace tandem::ui {

/// Everything about the selected layer, or a summary of several, or of the model when nothing is selected.
class InspectorPanel : public QWidget {
  Q_OBJECT
 public:
  explicit InspectorPanel(Workspace& workspace, QWidget* parent = nullptr);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void refresh();
  void fillDevices();
  [[nodiscard]] QString nodeHtml(int node) const;
  [[nodiscard]] QString measuredHtml(int node) const;
  [[nodiscard]] QString selectionHtml(const QList<int>& nodes) const;
  [[nodiscard]] QString modelHtml() const;
  [[nodiscard]] QString tensorHtml(int value, bool input) const;
  [[nodiscard]] QString muted(const QString& text) const;

  Workspace& m_workspace;
  QLabel* m_title;
  QToolButton* m_back;
  QToolButton* m_forward;
  QWidget* m_deviceRow;
  QComboBox* m_device;
  QTextBrowser* m_text;
  QTimer m_refresh;
};

} // namespace tandem::ui
