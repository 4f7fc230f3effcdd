// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/layer_search.hpp"
#include "ui/models/workspace.hpp"

#include <QWidget>

class QComboBox;
class QTabWidget;
class QToolButton;

namespace tandem::ui {

class GraphCanvas;
class LayerSearchBar;
class LayerTable;

/// The layers of the open model: the canvas, and a table that can do everything the canvas can.
class LayersPanel : public QWidget {
  Q_OBJECT
 public:
  explicit LayersPanel(Workspace& workspace, QWidget* parent = nullptr);

  [[nodiscard]] GraphCanvas* canvas() const { return m_canvas; }
  [[nodiscard]] const LayerSearch& search() const { return m_search; }
  void focusSearch();
  void step(int direction); ///< to the next (1) or the previous (-1) hit
  void selectHits();
  void copyRows(); ///< of the selection, as CSV
  void copyNames();
  void showGraph();
  void showTable();
  void exportPicture(); ///< asks for the file
  /// PNG or SVG by the suffix. The text says what the reader should know of the file, empty where all is in it.
  [[nodiscard]] Result<QString> savePicture(const QString& path) const;
  void togglePainting();

 signals:
  /// Where the placement menu should open; the selection is already set.
  void contextMenuRequested(QPoint globalPos);
  void pictureSaved(const QString& path, const QString& note);
  void failed(const tandem::Error& error);
  void rowsCopied(int count);

 private:
  QWidget* makeToolBar();
  void rebuildScene();
  void updatePlacement();
  void updateTimes();
  void fillBrushMenu();
  void showBrush();
  void showHits();
  void copy(const QString& text, int layers);

  Workspace& m_workspace;
  LayerSearch m_search;
  LayerSearchBar* m_searchBar;
  QComboBox* m_colors;
  QToolButton* m_paint;
  QTabWidget* m_tabs;
  GraphCanvas* m_canvas;
  LayerTable* m_table;
  bool m_timesStale = false;
};

} // namespace tandem::ui
