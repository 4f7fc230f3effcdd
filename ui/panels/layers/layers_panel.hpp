// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/layer_table_model.hpp"
#include "ui/models/workspace.hpp"

#include <QTimer>
#include <QWidget>

class QComboBox;
class QTabWidget;
class QTreeView;

namespace tandem::ui {

class FilterEdit;
class GraphCanvas;

/// The layers of the open model: the canvas, and a table that can do everything the canvas can.
class LayersPanel : public QWidget {
  Q_OBJECT
 public:
  explicit LayersPanel(Workspace& workspace, QWidget* parent = nullptr);

  [[nodiscard]] GraphCanvas* canvas() const { return m_canvas; }
  void focusSearch();
  void showGraph();
  void showTable();
  void exportPicture(); ///< asks for the file

 signals:
  /// Where the placement menu should open; the selection is already set.
  void contextMenuRequested(QPoint globalPos);
  void pictureFailed(const QString& path);

 private:
  QWidget* makeToolBar();
  void makeTable();
  void rebuildScene();
  void updatePlacement();
  void applyFilter(const QString& text);
  void step(int direction);
  void selectRows(const QList<int>& nodes);
  [[nodiscard]] QList<int> rowsSelected() const;

  Workspace& m_workspace;
  FilterEdit* m_filter;
  QComboBox* m_colors;
  QTabWidget* m_tabs;
  GraphCanvas* m_canvas;
  QTreeView* m_table;
  LayerTableModel m_model;
  LayerProxyModel m_proxy;
  QList<int> m_hits;
  bool m_selecting = false;
};

} // namespace tandem::ui
