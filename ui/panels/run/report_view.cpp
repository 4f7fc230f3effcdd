// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/report_view.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/theme.hpp"
#include "ui/panels/run/report_html.hpp"
#include "ui/widgets/chart/quantile_chart.hpp"

#include <QEvent>
#include <QFileDialog>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QPushButton>
#include <QSaveFile>
#include <QSplitter>
#include <QTextBrowser>
#include <QTextDocument>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
ReportView::ReportView(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  auto* splitter = new QSplitter(Qt::Vertical, this);
  m_text = new QTextBrowser(splitter);
  m_text->setObjectName(QStringLiteral("report_text"));
  m_text->setAccessibleName(tr("Report of the run"));
  m_text->setFrameShape(QFrame::NoFrame);
  m_text->setPlaceholderText(tr("The report appears here when a run has ended. Press F5 to run."));
  m_latency = new QuantileChart(tr("Share of requests answered within"), Unit::Milliseconds, splitter);
  m_latency->setObjectName(QStringLiteral("report_latency"));
  m_latency->hide();
  m_runs = new QTreeView(splitter);
  m_runs->setObjectName(QStringLiteral("run_history"));
  m_runs->setAccessibleName(tr("Runs of this window"));
  m_runs->setModel(&m_workspace.history);
  m_runs->setRootIsDecorated(false);
  m_runs->setUniformRowHeights(true);
  m_runs->setAlternatingRowColors(true);
  m_runs->setFrameShape(QFrame::NoFrame);
  m_runs->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
  m_runs->header()->setStretchLastSection(false);
  m_runs->hide();
  splitter->setStretchFactor(0, 4);
  splitter->setStretchFactor(2, 1);
  layout->addWidget(splitter, 1);
  m_export = new QPushButton(icon(QStringLiteral("export")), tr("&Export the report..."), this);
  m_export->setObjectName(QStringLiteral("export_report"));
  m_export->setToolTip(tr("As JSON, like tandem run --json, or as text"));
  m_export->setEnabled(false);
  layout->addWidget(m_export, 0, Qt::AlignLeft);
  connect(m_export, &QPushButton::clicked, this, &ReportView::chooseExport);
  connect(m_runs->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& current) {
    if (current.isValid()) show(current.row());
  });
  connect(&m_workspace.history, &QAbstractItemModel::rowsInserted, this, [this] {
    m_runs->setVisible(m_workspace.history.rowCount() > 1);
    m_runs->setCurrentIndex(m_workspace.history.index(0, 0));
    show(0);
  });
}

void ReportView::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange && m_runs->currentIndex().isValid()) show(m_runs->currentIndex().row());
  QWidget::changeEvent(event);
}

void ReportView::show(int row) {
  const RunHistory::Entry& entry = m_workspace.history.entry(row);
  m_text->setHtml(reportHtml(entry, Theme::of(palette())));
  const auto& quantiles = entry.report.latencyQuantilesMs;
  m_latency->setQuantiles(QList<double>(quantiles.begin(), quantiles.end()));
  m_latency->setVisible(!m_latency->isEmpty());
  m_export->setEnabled(true);
}

void ReportView::chooseExport() {
  const int row = std::max(0, m_runs->currentIndex().row());
  if (m_workspace.history.rowCount() == 0) return;
  auto* dialog =
      new QFileDialog(this, tr("Export the report"), m_workspace.settings.lastFolder(QStringLiteral("report")),
                      tr("JSON, as tandem run --json (*.json);;Text as shown (*.md)"));
  dialog->setObjectName(QStringLiteral("report_export_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("json"));
  dialog->selectFile(QStringLiteral("run-%1").arg(m_workspace.history.entry(row).number));
  connect(dialog, &QFileDialog::filterSelected, dialog, [dialog](const QString& filter) {
    dialog->setDefaultSuffix(filter.contains(QStringLiteral("*.md")) ? QStringLiteral("md") : QStringLiteral("json"));
  });
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("report"), path);
    if (const auto written = exportTo(path); !written.ok()) emit failed(written.error());
  });
  dialog->open();
}

Result<void> ReportView::exportTo(const QString& path) const {
  const int row = std::max(0, m_runs->currentIndex().row());
  const QByteArray bytes = path.endsWith(QStringLiteral(".json"), Qt::CaseInsensitive)
                               ? QByteArray::fromStdString(m_workspace.history.entry(row).report.json + "\n")
                               : m_text->document()->toMarkdown().toUtf8();
  QSaveFile file(path);
  if (file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.commit()) return {};
  return makeError(ErrorCode::OutputFailed, "cannot write the report: " + file.errorString().toStdString(),
                   path.toStdString(), "choose a folder that you may write to, with free space");
}

} // namespace tandem::ui
