// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/layer_search.hpp"
#include "ui/models/layer_table_model.hpp"
#include "ui/models/workspace.hpp"

#include <QTreeView>

namespace tandem::ui {

/// The layers as a table that can do everything the canvas can: number keys assign the selection, the requested device
/// can be chosen in its cell, Ctrl+C copies the selected rows as CSV. The selection is the workspace's.
class LayerTable : public QTreeView {
  Q_OBJECT
 public:
  LayerTable(Workspace& workspace, const LayerSearch& search, QWidget* parent);

  void scrollToNode(int node);
  void selectNodes(const QList<int>& nodes);
  /// The visible columns of these layers, in the order of the rows on the screen, with a header.
  [[nodiscard]] QString csv(const QList<int>& nodes) const;
  void setDefaultWidths();

 signals:
  void contextMenuAt(QPoint globalPos);
  void copyRequested(); ///< the selected rows

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  bool event(QEvent* event) override;

 private:
  [[nodiscard]] QList<int> selectedNodes() const;

  Workspace& m_workspace;
  LayerTableModel m_model;
  LayerProxyModel m_proxy;
  bool m_selecting = false;
};

} // namespace tandem::ui
