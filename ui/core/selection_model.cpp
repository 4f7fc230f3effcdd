// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/selection_model.hpp"

#include <algorithm>

namespace tandem::ui {
namespace {
constexpr qsizetype kHistoryLimit = 100;
}

void SelectionModel::apply(const QList<int>& nodes) {
  m_nodes = nodes;
  emit selectionChanged(m_nodes);
  emit historyChanged();
}

void SelectionModel::select(const QList<int>& nodes) {
  QList<int> sorted = nodes;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  if (sorted == m_nodes) return;
  if (!sorted.isEmpty()) {
    m_history.resize(m_position + 1);
    m_history.append(sorted);
    if (m_history.size() > kHistoryLimit) m_history.removeFirst();
    m_position = m_history.size() - 1;
  }
  apply(sorted);
}

void SelectionModel::reveal(int node) { reveal(QList<int>{node}); }

void SelectionModel::reveal(const QList<int>& nodes) {
  select(nodes);
  if (!nodes.isEmpty()) emit revealRequested(nodes.first());
}

void SelectionModel::setHovered(int node) {
  if (node == m_hovered) return;
  m_hovered = node;
  emit hoverChanged(node);
}

void SelectionModel::reset() {
  m_history.clear();
  m_position = -1;
  setHovered(-1);
  apply({});
}

void SelectionModel::goBack() {
  if (!canGoBack()) return;
  apply(m_history[--m_position]);
  emit revealRequested(m_nodes.first());
}

void SelectionModel::goForward() {
  if (!canGoForward()) return;
  apply(m_history[++m_position]);
  emit revealRequested(m_nodes.first());
}

} // namespace tandem::ui
