// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/roofline/roofline_panel.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/roofline_text.hpp"
#include "ui/widgets/chart/roofline_chart.hpp"
#include "ui/widgets/common/bar_delegate.hpp"
#include "ui/widgets/common/common.hpp"

#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QSaveFile>
#include <QSplitter>
#include <QStackedWidget>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
RooflinePanel::RooflinePanel(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("roofline_panel"));
  auto* layout = new QVBoxLayout(this);
  const int gap = fontMetrics().height() / 2;
  layout->setContentsMargins(gap, gap, gap, 0);
  layout->setSpacing(gap / 2);
  layout->addWidget(makeHeader());
  m_empty = new EmptyState(this);
  m_empty->setIcon(icon(QStringLiteral("chart")));
  m_chart = new RooflineChart(this);
  m_chart->setObjectName(QStringLiteral("roofline_chart"));
  m_chart->setEmptyText(tr("No measured layer computes anything; the table has them all."));
  m_split = new QSplitter(this);
  m_split->addWidget(m_chart);
  m_split->addWidget(makeTable());
  m_split->setChildrenCollapsible(false);
  m_split->setStretchFactor(0, 1);
  m_split->setStretchFactor(1, 1);
  m_split->setSizes({1100, 900}); // shares
  m_pages = new QStackedWidget(this);
  m_pages->addWidget(m_empty);
  m_pages->addWidget(m_split);
  layout->addWidget(m_pages, 1);

  DocumentModel& document = m_workspace.document;
  for (auto signal :
       {&DocumentModel::opened, &DocumentModel::closed, &DocumentModel::sizesChanged, &DocumentModel::profiled})
    connect(&document, signal, this, &RooflinePanel::showProfile);
  for (auto signal : {&DocumentModel::placementChanged, &DocumentModel::measuringChanged})
    connect(&document, signal, this, &RooflinePanel::updateState);
  connect(&document, &DocumentModel::measuringProgress, this, [this](double done, double total, const QString& text) {
    m_progress->setRange(0, static_cast<int>(total));
    m_progress->setValue(static_cast<int>(done));
    m_step = text;
    updateState();
  });
  connect(&m_workspace.runs, &RunController::stateChanged, this, &RooflinePanel::updateState);
  connect(&m_workspace.devices, &DeviceListModel::changed, this, &RooflinePanel::showChart);
  connect(&m_workspace.selection, &SelectionModel::selectionChanged, this, &RooflinePanel::selectNodes);
  connect(&m_workspace.selection, &SelectionModel::hoverChanged, this,
          [this](int node) { m_chart->setHovered(m_model.rowOf(node)); });
  connect(m_chart, &RooflineChart::hoverChanged, this,
          [this](int row) { m_workspace.selection.setHovered(row >= 0 ? m_model.layer(row).node : -1); });
  connect(m_chart, &RooflineChart::chosen, this, [this](int row, bool extend) {
    if (row >= 0)
      reveal({row}, extend);
    else if (!extend)
      m_workspace.selection.select({});
  });
  showProfile();
}

QWidget* RooflinePanel::makeHeader() {
  auto* area = new QWidget(this);
  auto* grid = new QGridLayout(area);
  grid->setContentsMargins(0, 0, 0, 0);
  m_measure = new QPushButton(icon(QStringLiteral("run")), tr("&Measure layers"), area);
  m_measure->setObjectName(QStringLiteral("roofline_measure"));
  m_measure->setToolTip(tr("Time every layer where it runs, and what its device can do at most (F8)"));
  m_stop = new QPushButton(icon(QStringLiteral("stop")), tr("Sto&p"), area);
  m_stop->setObjectName(QStringLiteral("roofline_stop"));
  m_summary = new ElidedLabel({}, area);
  m_summary->setObjectName(QStringLiteral("roofline_summary"));
  m_summary->setElideMode(Qt::ElideRight);
  m_progress = new QProgressBar(area);
  m_progress->setAccessibleName(tr("Progress of the measurement"));
  m_progress->setTextVisible(false);
  m_progress->setMaximumHeight(fontMetrics().height());
  m_progress->setMaximumWidth(fontMetrics().averageCharWidth() * 24);
  m_picture =
      toolButton(icon(QStringLiteral("picture")), tr("Export picture..."), QStringLiteral("roofline_picture"), area);
  m_export =
      toolButton(icon(QStringLiteral("export")), tr("Export as CSV..."), QStringLiteral("roofline_export"), area);
  int column = 0;
  for (QWidget* each :
       {static_cast<QWidget*>(m_measure), static_cast<QWidget*>(m_stop), static_cast<QWidget*>(m_summary),
        static_cast<QWidget*>(m_progress), static_cast<QWidget*>(m_picture), static_cast<QWidget*>(m_export)})
    grid->addWidget(each, 0, column++);
  grid->setColumnStretch(2, 1);
  connect(m_measure, &QPushButton::clicked, this, &RooflinePanel::measure);
  connect(m_stop, &QPushButton::clicked, this, &RooflinePanel::stop);
  connect(m_picture, &QToolButton::clicked, this, &RooflinePanel::choosePicture);
  connect(m_export, &QToolButton::clicked, this, &RooflinePanel::chooseExport);
  return area;
}

QWidget* RooflinePanel::makeTable() {
  m_table = new QTreeView(this);
  m_table->setObjectName(QStringLiteral("roofline_table"));
  m_table->setAccessibleName(tr("Layers by time lost against their roof"));
  m_proxy.setSourceModel(&m_model);
  m_proxy.setSortRole(RooflineModel::kSortRole);
  m_table->setModel(&m_proxy);
  const auto barOf = [](const QModelIndex& index) -> std::optional<CellBar> {
    const QVariant share = index.data(RooflineModel::kShareRole);
    if (!share.isValid()) return std::nullopt;
    constexpr double kEnd = 1.5; // of the track; what is beyond fills it
    return CellBar{std::clamp(share.toDouble() / kEnd, 0.0, 1.0), 1 / kEnd};
  };
  m_table->setItemDelegate(new BarDelegate(
      RooflineModel::kDeviceRole, [this](const QString& id) { return m_workspace.devices.numberOf(id); }, barOf,
      QStringLiteral("1,000 % "), m_table));
  m_table->setRootIsDecorated(false);
  m_table->setUniformRowHeights(true);
  m_table->setAlternatingRowColors(true);
  m_table->setSortingEnabled(true);
  m_table->sortByColumn(RooflineModel::kLost, Qt::DescendingOrder);
  m_table->setSelectionMode(QAbstractItemView::ExtendedSelection);
  m_table->setFrameShape(QFrame::NoFrame);
  m_table->header()->setSectionsMovable(true);
  const int em = fontMetrics().averageCharWidth();
  const int widths[RooflineModel::kColumns] = {16, 17, 10, 10, 10, 11, 9, 12, 18, 18, 30};
  for (int column = 0; column < RooflineModel::kColumns; ++column) m_table->setColumnWidth(column, widths[column] * em);
  connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    if (!m_selecting) reveal(rowsSelected(), false);
  });
  return m_table;
}

QList<int> RooflinePanel::rowsSelected() const {
  QList<int> rows;
  for (const QModelIndex& index : m_table->selectionModel()->selectedRows()) rows << m_proxy.mapToSource(index).row();
  return rows;
}

// A kernel stands for all that it computes.
void RooflinePanel::reveal(const QList<int>& rows, bool extend) {
  QList<int> nodes = extend ? m_workspace.selection.nodes() : QList<int>();
  for (const int row : rows) {
    const std::vector<int>& computed = m_model.layer(row).nodes;
    nodes.append(QList<int>(computed.begin(), computed.end()));
  }
  if (rows.size() == 1 && !extend)
    m_workspace.selection.reveal(nodes);
  else
    m_workspace.selection.select(nodes);
}

void RooflinePanel::selectNodes(const QList<int>& nodes) {
  QList<int> rows;
  for (const int node : nodes)
    if (const int row = m_model.rowOf(node); row >= 0 && (rows.isEmpty() || rows.last() != row)) rows << row;
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  m_chart->setSelected(rows);
  QList<int> current = rowsSelected();
  std::sort(current.begin(), current.end());
  if (current == rows) return;
  QItemSelection selection;
  for (const int row : rows) {
    const QModelIndex index = m_proxy.mapFromSource(m_model.index(row, 0));
    selection.select(index, index);
  }
  m_selecting = true;
  m_table->selectionModel()->select(selection, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  m_selecting = false;
  if (!rows.isEmpty()) m_table->scrollTo(m_proxy.mapFromSource(m_model.index(rows.first(), 0)));
}

bool RooflinePanel::hasResult() const { return m_workspace.document.measured() != nullptr; }

void RooflinePanel::showProfile() {
  m_selecting = true;
  if (hasResult())
    m_model.setProfile(*m_workspace.document.measured(), m_workspace.document.document());
  else
    m_model.clear();
  m_selecting = false;
  showChart();
  m_table->scrollToTop();
  selectNodes(m_workspace.selection.nodes());
  updateState();
}

// Also when the devices change: their numbers are their colours.
void RooflinePanel::showChart() {
  QList<RooflineRoof> roofs;
  if (hasResult())
    for (const session::DevicePeaks& peaks : m_workspace.document.measured()->peaks) {
      RooflineRoof roof;
      roof.name = toQString(peaks.device);
      roof.device = m_workspace.devices.numberOf(roof.name);
      roof.gflops = peaks.gflops.value_or(0);
      roof.gbPerS = peaks.memoryGbPerS.value_or(0);
      if (peaks.threads > 0) roof.details = tr("%n thread(s)", nullptr, peaks.threads);
      roofs << roof;
    }
  std::sort(roofs.begin(), roofs.end(),
            [](const RooflineRoof& a, const RooflineRoof& b) { return a.device < b.device; });
  QList<RooflineDot> dots;
  for (int row = 0; row < m_model.rowCount(); ++row) {
    const session::LayerTime& layer = m_model.layer(row);
    if (!layer.flopPerByte || !layer.gflopPerS) continue;
    const int device = m_workspace.devices.numberOf(toQString(layer.device));
    dots << RooflineDot{
        row, device, *layer.flopPerByte, *layer.gflopPerS, layer.medianMs, m_model.name(row), m_model.toolTip(row)};
  }
  const QList<int> selected = m_chart->selected();
  m_chart->setData(roofs, dots);
  m_chart->setSelected(selected);
  QStringList notes;
  if (dots.size() > RooflineChart::kMostDots)
    notes << tr("the %1 slowest of %2 layers")
                 .arg(QLocale().toString(RooflineChart::kMostDots), QLocale().toString(dots.size()));
  if (const auto without = m_model.rowCount() - dots.size(); without > 0 && !dots.isEmpty())
    notes << tr("%n without operations in the table only", nullptr, static_cast<int>(without));
  if (!dots.isEmpty()) notes << tr("area: time");
  m_chart->setNote(notes.join(QStringLiteral("; ")));
}

void RooflinePanel::showEmptyText() {
  const DocumentModel& document = m_workspace.document;
  if (!document.isOpen())
    m_empty->setText(tr("No model is open"), tr("Open a model to see how close its layers come to what your devices "
                                                "can do."));
  else if (!document.canRun())
    m_empty->setText(tr("This model can be viewed, not run"), tr("It has unknown operators."));
  else if (document.isMeasuring())
    m_empty->setText(tr("Measuring"), tr("Every layer is timed where it runs."));
  else
    m_empty->setText(tr("How close do the layers come to what the devices can do?"),
                     tr("Measure the layers (F8): each is timed where it runs, and set against the arithmetic and the "
                        "memory of its device, which are measured, too."));
}

void RooflinePanel::updateState() {
  const DocumentModel& document = m_workspace.document;
  const bool busy = document.isMeasuring();
  m_measure->setEnabled(document.canRun() && !busy && !m_workspace.runs.isActive());
  m_measure->setVisible(!busy); // one place for both
  m_stop->setVisible(busy);
  m_progress->setVisible(busy);
  for (QToolButton* button : {m_export, m_picture}) button->setEnabled(hasResult());
  if (!busy) {
    m_step.clear();
    m_progress->setRange(0, 0);
  }
  m_summary->setText(busy ? m_step : summaryText());
  m_pages->setCurrentIndex(hasResult() ? 1 : 0);
  showEmptyText();
}

QString RooflinePanel::summaryText() const {
  const DocumentModel& document = m_workspace.document;
  if (!hasResult()) return {};
  const QString text = profileSummary(*document.measured());
  return document.isMeasuredStale() ? tr("The placement has changed since; ") + text : text;
}

void RooflinePanel::measure() {
  if (m_workspace.document.canRun() && !m_workspace.runs.isActive()) m_workspace.document.profile();
}

void RooflinePanel::stop() { m_workspace.document.stopProfile(); }

void RooflinePanel::focusFirst() {
  QWidget* first = hasResult() ? static_cast<QWidget*>(m_table) : m_measure;
  first->setFocus(Qt::ShortcutFocusReason);
}

void RooflinePanel::chooseExport() {
  if (!hasResult()) return;
  auto* dialog = new QFileDialog(this, tr("Export the roofline"),
                                 m_workspace.settings.lastFolder(QStringLiteral("roofline")), tr("Table (*.csv)"));
  dialog->setObjectName(QStringLiteral("roofline_export_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("csv"));
  dialog->selectFile(QFileInfo(sourceTitle(m_workspace.document.source())).completeBaseName() +
                     QStringLiteral("-roofline"));
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("roofline"), path);
    if (const auto written = exportCsv(path); !written.ok()) emit failed(written.error());
  });
  dialog->open();
}

void RooflinePanel::choosePicture() {
  if (!hasResult()) return;
  auto* dialog = new QFileDialog(this, tr("Export picture"), m_workspace.settings.lastFolder(QStringLiteral("picture")),
                                 tr("SVG drawing (*.svg);;PNG picture (*.png)"));
  dialog->setObjectName(QStringLiteral("roofline_picture_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("svg"));
  dialog->selectFile(QFileInfo(sourceTitle(m_workspace.document.source())).completeBaseName() +
                     QStringLiteral("-roofline"));
  connect(dialog, &QFileDialog::filterSelected, dialog, [dialog](const QString& filter) {
    dialog->setDefaultSuffix(filter.contains(QLatin1String("*.png")) ? QStringLiteral("png") : QStringLiteral("svg"));
  });
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("picture"), path);
    if (!m_chart->exportPicture(path))
      emit failed(makeError(ErrorCode::OutputFailed, "cannot write the picture", path.toStdString(),
                            "choose a folder that you may write to, with free space"));
  });
  dialog->open();
}

Result<void> RooflinePanel::exportCsv(const QString& path) const {
  QSaveFile file(path);
  if (file.open(QIODevice::WriteOnly) && file.write(m_model.csv().toUtf8()) >= 0 && file.commit()) return {};
  return makeError(ErrorCode::OutputFailed, "cannot write the table: " + file.errorString().toStdString(),
                   path.toStdString(), "choose a folder that you may write to, with free space");
}

// Below each other where beside each other is too narrow for a table.
void RooflinePanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  const bool tall = height() > width();
  m_split->setOrientation(tall ? Qt::Vertical : Qt::Horizontal);
}

} // namespace tandem::ui
