// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"
#include "ui/panels/timeline/aggregate_model.hpp"
#include "ui/panels/timeline/trace_loader.hpp"

#include <QSortFilterProxyModel>
#include <QTimer>
#include <QWidget>

class QProgressBar;
class QPushButton;
class QSplitter;
class QStackedWidget;
class QTabWidget;
class QToolButton;
class QTreeView;

namespace tandem::ui {

class ElidedLabel;
class EmptyState;
class FilterEdit;
class SliceDetails;
class TimelineView;

/// The timeline of a run or of a trace file: what is selected in detail, areas summed up. Shares the selection of
/// layers: a slice leads to its layer, and a selected layer's slices are marked. Reads files on a thread of its own.
class TimelinePanel : public QWidget {
  Q_OBJECT
 public:
  explicit TimelinePanel(Workspace& workspace, QWidget* parent = nullptr);
  ~TimelinePanel() override;

  /// Loads the file; loaded() or failed(). What is shown stays until then. `title` is what the trace is called.
  void openTrace(const QString& path, const QString& title = {});
  void cancelLoading();
  [[nodiscard]] bool isLoading() const { return m_job != nullptr; }
  [[nodiscard]] bool hasTrace() const { return m_trace.model != nullptr; }
  void chooseTrace();
  void chooseExport();
  /// Copies the file that is shown, which is Chrome JSON, off the UI thread; exported() or failed().
  void exportTrace(const QString& path);
  void copyAggregates();
  void focusFirst();

  [[nodiscard]] TimelineView* view() const { return m_view; }
  [[nodiscard]] const AggregateModel& aggregates() const { return m_aggregates; }
  [[nodiscard]] SliceDetails* details() const { return m_details; }
  [[nodiscard]] QString summaryText() const;

 signals:
  void loaded();
  void exported(const QString& path);
  void failed(const tandem::Error& error);
  void stateChanged();
  /// The user wants a run with a timeline.
  void recordRequested();

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  QWidget* makeHeader();
  QWidget* makeSide();
  void connectView();
  void finishLoading(const Result<LoadedTrace>& trace, const QString& path, const QString& title);
  void resolveLayers();
  void highlightLayers();
  void showSlice();
  void showArea();
  void search(const QString& text);
  void updateState();
  [[nodiscard]] int layerOf(std::uint32_t label) const;

  Workspace& m_workspace;
  LoadedTrace m_trace;
  QString m_path, m_title;
  std::vector<int> m_nodeOfLabel; ///< in the open document; -1: none
  std::shared_ptr<TraceJob> m_job;
  std::int64_t m_bytes = 0; ///< of the file that is being read
  QTimer m_tick;
  AggregateModel m_aggregates;
  QSortFilterProxyModel m_proxy;
  FilterEdit* m_search;
  FilterEdit* m_filter;
  ElidedLabel* m_summary;
  QProgressBar* m_progress;
  QPushButton* m_stop;
  QToolButton* m_fit;
  QToolButton* m_open;
  QToolButton* m_export;
  QAction* m_record;
  QAction* m_openAction;
  QStackedWidget* m_pages;
  EmptyState* m_empty;
  QSplitter* m_split;
  TimelineView* m_view;
  QTabWidget* m_side;
  SliceDetails* m_details;
  QTreeView* m_table;
  ElidedLabel* m_areaText;
  QToolButton* m_copy;
};

} // namespace tandem::ui
