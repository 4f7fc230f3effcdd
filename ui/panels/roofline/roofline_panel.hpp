// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/roofline_model.hpp"
#include "ui/models/workspace.hpp"

#include <QSortFilterProxyModel>
#include <QWidget>

class QProgressBar;
class QPushButton;
class QSplitter;
class QStackedWidget;
class QToolButton;
class QTreeView;

namespace tandem::ui {

class ElidedLabel;
class EmptyState;
class RooflineChart;

/// How close each measured layer comes to what its device can do: a roofline, and the same as a table that has every
/// layer. Selection is shared with the canvas.
class RooflinePanel : public QWidget {
  Q_OBJECT
 public:
  explicit RooflinePanel(Workspace& workspace, QWidget* parent = nullptr);

  void focusFirst(); ///< puts the keyboard on the table, or on the button that fills it
  void measure();
  void stop();
  void chooseExport();  ///< asks for the file
  void choosePicture(); ///< asks for the file
  Result<void> exportCsv(const QString& path) const;
  [[nodiscard]] bool hasResult() const;
  [[nodiscard]] const RooflineModel& model() const { return m_model; }
  [[nodiscard]] RooflineChart* chart() const { return m_chart; }
  [[nodiscard]] QString summaryText() const;

 signals:
  void failed(const tandem::Error& error);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  QWidget* makeHeader();
  QWidget* makeTable();
  void updateState();
  void showEmptyText();
  void showProfile();
  void showChart();
  void selectNodes(const QList<int>& nodes);
  void reveal(const QList<int>& rows, bool extend);
  [[nodiscard]] QList<int> rowsSelected() const;

  Workspace& m_workspace;
  QPushButton *m_measure, *m_stop;
  QToolButton *m_export, *m_picture;
  QProgressBar* m_progress;
  ElidedLabel* m_summary;
  QStackedWidget* m_pages;
  EmptyState* m_empty;
  QSplitter* m_split;
  RooflineChart* m_chart;
  QTreeView* m_table;
  RooflineModel m_model;
  QSortFilterProxyModel m_proxy;
  QString m_step;
  bool m_selecting = false;
};

} // namespace tandem::ui
