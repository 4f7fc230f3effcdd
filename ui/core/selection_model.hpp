// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QList>
#include <QObject>

namespace tandem::ui {

/// Which layers are selected and which one the pointer is on, shared by all views. Node indices of the open document,
/// ascending. Keeps a history of selections for back and forward.
class SelectionModel : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;

  [[nodiscard]] const QList<int>& nodes() const { return m_nodes; }
  [[nodiscard]] int hovered() const { return m_hovered; }
  void select(const QList<int>& nodes);
  /// Selects one node and asks views to scroll to it.
  void reveal(int node);
  /// Selects several and asks views to scroll to the first.
  void reveal(const QList<int>& nodes);
  void setHovered(int node); ///< -1: none
  /// Forgets everything: another document.
  void reset();
  [[nodiscard]] bool canGoBack() const { return m_position > 0; }
  [[nodiscard]] bool canGoForward() const { return m_position + 1 < m_history.size(); }
  void goBack();
  void goForward();

 signals:
  void selectionChanged(const QList<int>& nodes);
  void hoverChanged(int node);
  void revealRequested(int node);
  void historyChanged();

 private:
  void apply(const QList<int>& nodes);
  QList<int> m_nodes;
  QList<QList<int>> m_history;
  qsizetype m_position = -1;
  int m_hovered = -1;
};

} // namespace tandem::ui
