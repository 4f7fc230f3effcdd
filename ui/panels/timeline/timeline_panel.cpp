// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/timeline/timeline_panel.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"
#include "ui/panels/timeline/slice_details.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/timeline/timeline_view.hpp"

#include <QAction>
#include <QClipboard>
#include <QFileDialog>
#include <QFileInfo>
#include <QFutureWatcher>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <QProgressBar>
#include <QPushButton>
#include <QSaveFile>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>
#include <QtConcurrent>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr int kProgressSteps = 1000;

/// Labels are "Operator name of the node".
QString layerName(const QString& label) { return label.section(QLatin1Char(' '), 1).trimmed(); }

Result<void> copyFile(const QString& from, const QString& to) {
  QFile source(from);
  if (!source.open(QIODevice::ReadOnly))
    return makeError(ErrorCode::OutputFailed, "the trace is gone: " + source.errorString().toStdString(),
                     from.toStdString(), "record it again");
  QSaveFile file(to);
  const Error cannot = makeError(ErrorCode::OutputFailed, "cannot write the trace", to.toStdString(),
                                 "choose a folder that you may write to, with free space");
  if (!file.open(QIODevice::WriteOnly)) return cannot;
  constexpr qint64 kPiece = 1 << 20;
  while (!source.atEnd()) {
    const QByteArray piece = source.read(kPiece);
    if (piece.isEmpty() || file.write(piece) != piece.size()) return cannot;
  }
  if (!file.commit()) return cannot;
  return {};
}

} // namespace

TimelinePanel::TimelinePanel(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("timeline_panel"));
  auto* layout = new QVBoxLayout(this);
  const int gap = fontMetrics().height() / 2;
  layout->setContentsMargins(gap, gap, gap, 0);
  layout->setSpacing(gap / 2);
  layout->addWidget(makeHeader());
  m_empty = new EmptyState(this);
  m_empty->setIcon(icon(QStringLiteral("timeline")));
  m_record = new QAction(icon(QStringLiteral("run")), tr("&Record a timeline"), this);
  m_record->setToolTip(tr("Run the deployment with \"Record a timeline\" checked"));
  m_openAction = new QAction(icon(QStringLiteral("open")), tr("&Open trace..."), this);
  connect(m_record, &QAction::triggered, this, &TimelinePanel::recordRequested);
  connect(m_openAction, &QAction::triggered, this, &TimelinePanel::chooseTrace);
  m_empty->setActions({m_record, m_openAction});
  m_view = new TimelineView(this);
  m_view->setObjectName(QStringLiteral("timeline_view"));
  m_split = new QSplitter(this);
  m_split->addWidget(m_view);
  m_split->addWidget(makeSide());
  m_split->setStretchFactor(0, 3);
  m_split->setStretchFactor(1, 1);
  m_split->setSizes({3000, 1000}); // shares
  m_pages = new QStackedWidget(this);
  m_pages->addWidget(m_empty);
  m_pages->addWidget(m_split);
  layout->addWidget(m_pages, 1);
  constexpr int kOftenMs = 60;
  m_tick.setInterval(kOftenMs);
  connect(&m_tick, &QTimer::timeout, this, &TimelinePanel::updateState);
  connectView();
  updateState();
}

TimelinePanel::~TimelinePanel() {
  if (m_job) m_job->cancel.store(true);
}

QWidget* TimelinePanel::makeHeader() {
  auto* area = new QWidget(this);
  auto* row = new QHBoxLayout(area);
  row->setContentsMargins(0, 0, 0, 0);
  m_search = new FilterEdit(area);
  m_search->setObjectName(QStringLiteral("timeline_search"));
  m_search->setPlaceholderText(tr("Find slices (/)"));
  m_search->setAccessibleName(tr("Find slices"));
  m_search->setToolTip(tr("Part of the name. Enter goes to the next, Shift+Enter to the one before."));
  m_filter = new FilterEdit(area);
  m_filter->setObjectName(QStringLiteral("timeline_filter"));
  m_filter->setPlaceholderText(tr("Filter tracks"));
  m_filter->setAccessibleName(tr("Filter tracks"));
  const int em = fontMetrics().averageCharWidth();
  m_search->setMaximumWidth(em * 34);
  m_filter->setMaximumWidth(em * 24);
  m_summary = new ElidedLabel({}, area);
  m_summary->setObjectName(QStringLiteral("timeline_summary"));
  m_summary->setElideMode(Qt::ElideRight);
  m_progress = new QProgressBar(area);
  m_progress->setAccessibleName(tr("Progress of reading the trace"));
  m_progress->setTextVisible(false);
  m_progress->setMaximumHeight(fontMetrics().height());
  m_progress->setMaximumWidth(em * 24);
  m_stop = new QPushButton(icon(QStringLiteral("stop")), tr("Sto&p"), area);
  m_stop->setObjectName(QStringLiteral("timeline_stop"));
  m_fit =
      toolButton(icon(QStringLiteral("fit")), tr("Show the whole trace (Space)"), QStringLiteral("timeline_fit"), area);
  m_open = toolButton(icon(QStringLiteral("open")), tr("Open trace..."), QStringLiteral("timeline_open"), area);
  m_export = toolButton(icon(QStringLiteral("export")), tr("Export trace..."), QStringLiteral("timeline_export"), area);
  row->addWidget(m_search, 2);
  row->addWidget(m_filter, 1);
  row->addWidget(m_summary, 4);
  for (QWidget* each : {static_cast<QWidget*>(m_progress), static_cast<QWidget*>(m_stop), static_cast<QWidget*>(m_fit),
                        static_cast<QWidget*>(m_open), static_cast<QWidget*>(m_export)})
    row->addWidget(each);
  connect(m_stop, &QPushButton::clicked, this, &TimelinePanel::cancelLoading);
  connect(m_open, &QToolButton::clicked, this, &TimelinePanel::chooseTrace);
  connect(m_export, &QToolButton::clicked, this, &TimelinePanel::chooseExport);
  return area;
}

QWidget* TimelinePanel::makeSide() {
  m_side = new QTabWidget(this);
  m_side->setObjectName(QStringLiteral("timeline_side"));
  m_side->setDocumentMode(true);
  m_details = new SliceDetails(m_side);
  m_details->setObjectName(QStringLiteral("timeline_details"));
  m_side->addTab(m_details, tr("Slice"));
  auto* page = new QWidget(m_side);
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(0, 0, 0, 0);
  auto* row = new QHBoxLayout;
  m_areaText = new ElidedLabel(tr("Drag over the tracks to sum up an area"), page);
  m_areaText->setObjectName(QStringLiteral("timeline_area_text"));
  m_areaText->setElideMode(Qt::ElideRight);
  m_copy = toolButton(icon(QStringLiteral("copy")), tr("Copy as CSV"), QStringLiteral("timeline_copy"), page);
  row->addWidget(m_areaText, 1);
  row->addWidget(m_copy);
  column->addLayout(row);
  m_table = new QTreeView(page);
  m_table->setObjectName(QStringLiteral("timeline_table"));
  m_table->setAccessibleName(tr("What the selected area holds, by name"));
  m_proxy.setSourceModel(&m_aggregates);
  m_proxy.setSortRole(AggregateModel::kSortRole);
  m_table->setModel(&m_proxy);
  m_table->setRootIsDecorated(false);
  m_table->setUniformRowHeights(true);
  m_table->setAlternatingRowColors(true);
  m_table->setSortingEnabled(true);
  m_table->sortByColumn(AggregateModel::kTotal, Qt::DescendingOrder);
  m_table->setFrameShape(QFrame::NoFrame);
  const int em = fontMetrics().averageCharWidth();
  const int widths[AggregateModel::kColumns] = {22, 16, 9, 11, 11, 11, 9, 11, 9};
  for (int each = 0; each < AggregateModel::kColumns; ++each) m_table->setColumnWidth(each, widths[each] * em);
  m_table->header()->moveSection(AggregateModel::kDevice, AggregateModel::kColumns - 1); // the numbers first
  column->addWidget(m_table, 1);
  m_side->addTab(page, tr("Area"));
  auto* copy = new QAction(tr("Copy as CSV"), m_table);
  copy->setShortcut(QKeySequence::Copy);
  copy->setShortcutContext(Qt::WidgetShortcut);
  m_table->addAction(copy);
  m_table->setContextMenuPolicy(Qt::ActionsContextMenu);
  connect(copy, &QAction::triggered, this, &TimelinePanel::copyAggregates);
  connect(m_copy, &QToolButton::clicked, this, &TimelinePanel::copyAggregates);
  // A row finds its slices.
  connect(m_table, &QTreeView::activated, this, [this](const QModelIndex& index) {
    if (!hasTrace()) return;
    m_search->setText(m_trace.model->labels()[m_aggregates.aggregateOf(m_proxy.mapToSource(index).row()).label]);
  });
  return m_side;
}

void TimelinePanel::connectView() {
  connect(m_fit, &QToolButton::clicked, m_view, &TimelineView::fitAll);
  connect(m_view, &TimelineView::selectionChanged, this, &TimelinePanel::showSlice);
  connect(m_view, &TimelineView::areaChanged, this, &TimelinePanel::showArea);
  connect(m_view, &TimelineView::searchRequested, this, [this] {
    m_search->setFocus(Qt::ShortcutFocusReason);
    m_search->selectAll();
  });
  connect(m_view, &TimelineView::searchCleared, this, [this] { m_search->clear(); });
  connect(m_view, &TimelineView::detailsToggled, this, [this] { m_side->setVisible(!m_side->isVisible()); });
  connect(m_view, &TimelineView::hoverChanged, this, [this](const SliceRef& ref) {
    m_workspace.selection.setHovered(ref.valid() ? layerOf(m_trace.model->slice(ref).label) : -1);
  });
  connect(m_search, &FilterEdit::filterChanged, this, &TimelinePanel::search);
  connect(m_search, &FilterEdit::nextRequested, this, [this] {
    search(m_search->text());
    m_view->selectFound(1);
  });
  connect(m_search, &FilterEdit::previousRequested, this, [this] {
    search(m_search->text());
    m_view->selectFound(-1);
  });
  connect(m_filter, &FilterEdit::filterChanged, m_view, &TimelineView::setTrackFilter);
  connect(m_details, &SliceDetails::layerRequested, this, [this] {
    if (!m_view->selected().valid()) return;
    const int node = layerOf(m_trace.model->slice(m_view->selected()).label);
    if (node >= 0) m_workspace.selection.reveal(node);
  });
  const auto devices = [this] { m_view->setDevices(m_workspace.devices.visibleIds()); };
  connect(&m_workspace.devices, &DeviceListModel::changed, this, devices);
  devices();
  for (auto signal : {&DocumentModel::opened, &DocumentModel::closed}) {
    connect(&m_workspace.document, signal, this, &TimelinePanel::resolveLayers);
    connect(&m_workspace.document, signal, this, &TimelinePanel::updateState);
  }
  connect(&m_workspace.selection, &SelectionModel::selectionChanged, this, &TimelinePanel::highlightLayers);
  connect(&m_workspace.runs, &RunController::stateChanged, this, &TimelinePanel::updateState);
  connect(&m_workspace.runs, &RunController::finished, this, [this] {
    const QString file = toQString(m_workspace.runs.lastSpec().traceFile);
    if (!file.isEmpty() && QFileInfo::exists(file)) openTrace(file, tr("Run %1").arg(m_workspace.runs.runNumber()));
  });
}

void TimelinePanel::openTrace(const QString& path, const QString& title) {
  cancelLoading();
  const auto job = std::make_shared<TraceJob>();
  m_job = job;
  m_bytes = QFileInfo(path).size();
  using Loaded = std::shared_ptr<Result<LoadedTrace>>;
  auto* watcher = new QFutureWatcher<Loaded>(this);
  connect(watcher, &QFutureWatcher<Loaded>::finished, this, [this, watcher, job, path, title] {
    watcher->deleteLater();
    if (job != m_job) return; // overtaken, or stopped
    m_job.reset();
    finishLoading(*watcher->result(), path, title);
  });
  watcher->setFuture(
      QtConcurrent::run([path, job] { return std::make_shared<Result<LoadedTrace>>(loadTrace(path, *job)); }));
  m_tick.start();
  updateState();
  emit stateChanged();
}

void TimelinePanel::cancelLoading() {
  if (!m_job) return;
  m_job->cancel.store(true);
  m_job.reset();
  updateState();
  emit stateChanged();
}

void TimelinePanel::finishLoading(const Result<LoadedTrace>& trace, const QString& path, const QString& title) {
  if (!trace.ok()) {
    updateState();
    emit stateChanged();
    if (trace.error().code != ErrorCode::Cancelled) emit failed(trace.error());
    return;
  }
  m_view->setModel(nullptr);
  m_trace = *trace;
  m_path = path;
  m_title = title.isEmpty() ? QFileInfo(path).fileName() : title;
  m_view->setModel(m_trace.model);
  search(m_search->text());
  resolveLayers();
  showSlice();
  showArea();
  updateState();
  emit stateChanged();
  emit loaded();
}

// The number of a node holds for the model that was recorded: it counts where the name is the same.
void TimelinePanel::resolveLayers() {
  m_nodeOfLabel.clear();
  if (!hasTrace()) return;
  const auto& nodes = m_workspace.document.document().nodes;
  QHash<QString, int> byName;
  if (m_workspace.document.isOpen())
    for (std::size_t node = 0; node < nodes.size(); ++node)
      byName.insert(toQString(nodes[node].name), static_cast<int>(node));
  const QStringList& labels = m_trace.model->labels();
  for (qsizetype label = 0; label < labels.size(); ++label) {
    const QString name = layerName(labels[label]);
    const auto index = static_cast<std::size_t>(label);
    const int told = index < m_trace.nodeOfLabel.size() ? m_trace.nodeOfLabel[index] : -1;
    int found = name.isEmpty() ? -1 : byName.value(name, -1);
    const bool known = m_workspace.document.isOpen() && told >= 0 && static_cast<std::size_t>(told) < nodes.size();
    if (found < 0 && known && labels[label].contains(toQString(nodes[static_cast<std::size_t>(told)].name)))
      found = told;
    m_nodeOfLabel.push_back(found);
  }
  highlightLayers();
  showSlice();
}

int TimelinePanel::layerOf(std::uint32_t label) const {
  return label < m_nodeOfLabel.size() ? m_nodeOfLabel[label] : -1;
}

void TimelinePanel::highlightLayers() {
  std::vector<bool> chosen(m_nodeOfLabel.size(), false);
  QList<int> nodes = m_workspace.selection.nodes();
  // What is computed with others is recorded under the first of them.
  for (const int node : QList<int>(nodes))
    if (const session::LayerTime* layer = m_workspace.document.layerTimeOf(node)) nodes << layer->node;
  std::sort(nodes.begin(), nodes.end());
  for (std::size_t label = 0; label < chosen.size(); ++label)
    chosen[label] = m_nodeOfLabel[label] >= 0 && std::binary_search(nodes.begin(), nodes.end(), m_nodeOfLabel[label]);
  m_view->setHighlightedLabels(chosen);
}

void TimelinePanel::showSlice() {
  if (!hasTrace() || !m_view->selected().valid()) {
    m_details->clear();
    return;
  }
  const int node = layerOf(m_trace.model->slice(m_view->selected()).label);
  m_details->showSlice(*m_trace.model, m_view->selected(),
                       node >= 0 ? toQString(m_workspace.document.document().nodes[static_cast<std::size_t>(node)].name)
                                 : QString());
  m_side->setCurrentIndex(0);
}

void TimelinePanel::showArea() {
  const bool has = hasTrace() && m_view->area().has_value();
  m_aggregates.setRows(m_trace.model, has ? aggregate(*m_trace.model, *m_view->area()) : std::vector<AreaAggregate>());
  m_copy->setEnabled(has);
  if (!has) {
    m_areaText->setText(tr("Drag over the tracks to sum up an area"));
    return;
  }
  const TimelineArea& area = *m_view->area();
  m_areaText->setText(tr("%1 from %2, %n track(s)", nullptr, static_cast<int>(area.tracks.size()))
                          .arg(formatMs(static_cast<double>(area.durationNs()) / 1e6),
                               rulerText(static_cast<double>(area.startNs), 1e3)));
  m_table->scrollToTop();
  m_side->setCurrentIndex(1);
}

void TimelinePanel::search(const QString& text) {
  const std::size_t count = m_view->search(text);
  m_search->setMatchCount(text.isEmpty() || !hasTrace() ? -1 : static_cast<int>(count),
                          hasTrace() ? static_cast<int>(m_trace.model->count()) : 0);
}

void TimelinePanel::copyAggregates() {
  QList<int> rows;
  for (int row = 0; row < m_proxy.rowCount(); ++row) rows << m_proxy.mapToSource(m_proxy.index(row, 0)).row();
  if (!rows.isEmpty()) QGuiApplication::clipboard()->setText(m_aggregates.csv(rows));
}

QString TimelinePanel::summaryText() const {
  if (isLoading()) return tr("Reading the trace");
  if (!hasTrace()) return {};
  const TimelineModel& model = *m_trace.model;
  QString text = tr("%1: %2 slices in %3")
                     .arg(m_title, formatCount(static_cast<double>(model.count())),
                          formatMs(static_cast<double>(model.endNs()) / 1e6));
  if (model.dropped() > 0)
    text +=
        QStringLiteral("; ") + tr("%1 older ones were dropped").arg(formatCount(static_cast<double>(model.dropped())));
  if (m_trace.unusable > 0)
    text += QStringLiteral("; ") +
            tr("%1 without a usable time were left out").arg(formatCount(static_cast<double>(m_trace.unusable)));
  return text;
}

void TimelinePanel::updateState() {
  const bool loading = isLoading();
  if (!loading) m_tick.stop();
  m_progress->setVisible(loading);
  m_stop->setVisible(loading);
  if (loading) {
    const std::int64_t read = m_job->bytesRead.load();
    m_progress->setRange(0, m_bytes > 0 && read < m_bytes ? kProgressSteps : 0);
    if (m_bytes > 0) m_progress->setValue(static_cast<int>(read * kProgressSteps / m_bytes));
  }
  for (QWidget* each : {static_cast<QWidget*>(m_search), static_cast<QWidget*>(m_filter), static_cast<QWidget*>(m_fit)})
    each->setEnabled(hasTrace());
  m_export->setEnabled(hasTrace() && !loading);
  m_summary->setText(summaryText());
  m_pages->setCurrentIndex(hasTrace() ? 1 : 0);
  const bool canRun = m_workspace.document.canRun() && !m_workspace.runs.isActive();
  m_record->setEnabled(canRun);
  const QString how =
      tr("Check \"Record a timeline\" in the Run panel and run (F5): every kernel, transfer and request "
         "is shown here when the run ends. Or open a Chrome trace (JSON).");
  m_empty->setText(loading ? tr("Reading the trace") : tr("What happened when?"),
                   m_workspace.document.isOpen() ? how : tr("Open a model first. ") + how);
}

void TimelinePanel::focusFirst() {
  QWidget* first = hasTrace() ? static_cast<QWidget*>(m_view) : m_open;
  first->setFocus(Qt::ShortcutFocusReason);
}

void TimelinePanel::chooseTrace() {
  auto* dialog = new QFileDialog(this, tr("Open trace"), m_workspace.settings.lastFolder(QStringLiteral("trace")),
                                 tr("Chrome trace (*.json);;All files (*)"));
  dialog->setObjectName(QStringLiteral("open_trace_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::ExistingFile);
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("trace"), path);
    openTrace(path);
  });
  dialog->open();
}

void TimelinePanel::chooseExport() {
  if (!hasTrace()) return;
  auto* dialog = new QFileDialog(this, tr("Export trace"), m_workspace.settings.lastFolder(QStringLiteral("trace")),
                                 tr("Chrome trace (*.json)"));
  dialog->setObjectName(QStringLiteral("export_trace_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("json"));
  dialog->selectFile(QStringLiteral("timeline.json"));
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("trace"), path);
    exportTrace(path);
  });
  dialog->open();
}

void TimelinePanel::exportTrace(const QString& path) {
  if (!hasTrace()) return;
  using Written = std::shared_ptr<Result<void>>;
  auto* watcher = new QFutureWatcher<Written>(this);
  connect(watcher, &QFutureWatcher<Written>::finished, this, [this, watcher, path] {
    watcher->deleteLater();
    const Result<void>& written = *watcher->result();
    if (written.ok())
      emit exported(path);
    else
      emit failed(written.error());
  });
  watcher->setFuture(
      QtConcurrent::run([from = m_path, path] { return std::make_shared<Result<void>>(copyFile(from, path)); }));
}

// Escape leaves the search field for the tracks.
void TimelinePanel::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape && hasTrace() && !m_view->hasFocus()) {
    m_view->setFocus(Qt::OtherFocusReason);
    return;
  }
  QWidget::keyPressEvent(event);
}

void TimelinePanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  m_split->setOrientation(height() > width() ? Qt::Vertical : Qt::Horizontal);
}

} // namespace tandem::ui
