// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QMenu;
class QScrollArea;
class QSpinBox;
class QToolButton;

namespace tandem::ui {

class CpuMap;

/// Core sets, drawn on a map of the processor and written as text: two views of one draft, which Apply hands to the
/// engine. While a run or a request uses the devices, both only show. Without a topology the text alone is there.
class CoreSetsEditor : public QWidget {
  Q_OBJECT
 public:
  explicit CoreSetsEditor(Workspace& workspace, QWidget* parent = nullptr);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void changeEvent(QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void makeToolbar();
  void refresh();
  void readText();
  void setDraft(const QString& text);
  void setSets(std::vector<CpuSet> sets);
  void assign(int processor, int set);
  void divide(int count);
  void apply();
  void showDraft();
  void showStatus();
  void fillPresets();
  void fitMap();
  [[nodiscard]] bool isDirty() const;

  Workspace& m_workspace;
  CpuTopology m_topology;
  std::vector<CpuSet> m_sets; ///< of the draft; may be empty ones while it is painted
  QString m_inForce;          ///< as the engine has it
  QString m_problem;          ///< why the draft cannot be applied
  QString m_hint;             ///< what could be written instead
  QWidget* m_mapPart;
  QScrollArea* m_scroll;
  CpuMap* m_map;
  QSpinBox* m_count;
  QComboBox* m_brush;
  QToolButton* m_presets;
  QMenu* m_menu;
  QLineEdit* m_text;
  QToolButton* m_apply;
  QToolButton* m_revert;
  QLabel* m_status;
};

} // namespace tandem::ui
