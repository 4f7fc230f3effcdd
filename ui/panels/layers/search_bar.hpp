// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/layer_search.hpp"
#include "ui/models/workspace.hpp"

#include <QTimer>
#include <QWidget>

class QCompleter;
class QLabel;
class QStandardItemModel;
class QToolButton;

namespace tandem::ui {

class FilterEdit;

/// The field that finds layers, with completions, the number of hits, and buttons that go through them.
class LayerSearchBar : public QWidget {
  Q_OBJECT
 public:
  LayerSearchBar(Workspace& workspace, LayerSearch& search, QWidget* parent);

  /// Says what is wrong with the filter; hidden while nothing is. To be placed under the bar.
  [[nodiscard]] QLabel* problem() const { return m_problem; }
  void focusField();
  void clear();

 signals:
  void stepRequested(int direction); ///< 1: the next hit, -1: the one before
  void selectHitsRequested();

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void showHits();
  void showProblem();
  void fillCompletions();
  void offerCompletions();
  void complete(const QModelIndex& index);
  [[nodiscard]] qsizetype wordStart() const;

  Workspace& m_workspace;
  LayerSearch& m_search;
  FilterEdit* m_edit;
  QLabel* m_problem;
  QToolButton *m_previous, *m_next, *m_select;
  QCompleter* m_completer;
  QStandardItemModel* m_completions;
};

} // namespace tandem::ui
