// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/report_view.hpp"

#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/core/units.hpp"

#include <QEvent>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QSplitter>
#include <QTextBrowser>
#include <QTreeView>
#include <QVBoxLayout>

namespace tandem::ui {
namespace {

QString cell(const QString& text, bool right = true) {
  return QStringLiteral("<td align='%1' style='padding-right:10px'>%2</td>")
      .arg(right ? QStringLiteral("right") : QStringLiteral("left"), text);
}

QString escaped(const std::string& text) { return unbrokenIds(toQString(text)).toHtmlEscaped(); }

QString latencyCells(const session::Latency& latency) {
  return cell(formatMs(latency.p50Ms)) + cell(formatMs(latency.p95Ms)) + cell(formatMs(latency.p99Ms));
}

} // namespace

ReportView::ReportView(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  auto* splitter = new QSplitter(Qt::Vertical, this);
  m_text = new QTextBrowser(splitter);
  m_text->setObjectName(QStringLiteral("report_text"));
  m_text->setAccessibleName(tr("Report of the run"));
  m_text->setFrameShape(QFrame::NoFrame);
  m_text->setPlaceholderText(tr("The report appears here when a run has ended. Press F5 to run."));
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
  splitter->setStretchFactor(1, 1);
  layout->addWidget(splitter);
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

void ReportView::show(int row) { m_text->setHtml(html(m_workspace.history.entry(row))); }

QString ReportView::html(const RunHistory::Entry& entry) const {
  const auto& report = entry.report;
  const Theme theme = Theme::of(palette());
  const auto muted = [&](const QString& text) {
    return QStringLiteral("<span style='color:%1'>%2</span>").arg(theme.mutedText.name(), text);
  };
  const auto heading = [](const QString& text) {
    return QStringLiteral("<h4 style='margin-bottom:2px'>%1</h4>").arg(text);
  };
  const auto row = [&](const QString& title, const QString& value) {
    return QStringLiteral("<tr>") + cell(muted(title), false) + cell(value, false) + QStringLiteral("</tr>");
  };
  const QString table = QStringLiteral("<table cellspacing='2'>"), end = QStringLiteral("</table>");
  QString html = QStringLiteral("<h3 style='margin-bottom:0px'>%1</h3>")
                     .arg(tr("Throughput %1").arg(formatRate(report.itemsPerS)));
  html += muted(tr("Run %1 of %2, %3 measured%4")
                    .arg(QString::number(entry.number), entry.model.toHtmlEscaped(), formatMs(report.durationS * 1e3),
                         report.stopped ? tr(", stopped by you") : QString()));
  html += heading(tr("Latency")) + table + QStringLiteral("<tr>") + cell({}, false) + cell(muted(tr("p50"))) +
          cell(muted(tr("p95"))) + cell(muted(tr("p99"))) + QStringLiteral("</tr>");
  html += QStringLiteral("<tr>") + cell(tr("All"), false) + latencyCells(report.latency) + QStringLiteral("</tr>");
  for (const auto& replica : report.replicas) {
    // A long name has a row of its own: beside three columns of numbers it would be broken.
    constexpr std::size_t kBeside = 10;
    const bool isLong = replica.name.size() > kBeside;
    if (isLong) html += QStringLiteral("<tr><td colspan='4'>%1</td></tr>").arg(escaped(replica.name));
    html += QStringLiteral("<tr>") + cell(isLong ? QString() : escaped(replica.name), false) +
            latencyCells(replica.latency) + QStringLiteral("</tr>");
  }
  html += end + heading(tr("Requests and items")) + table;
  const auto work = [](std::uint64_t requests, double items) {
    return tr("%1 requests, %2").arg(formatCount(static_cast<double>(requests)), formatRate(items));
  };
  html += row(tr("All"), work(report.requests, report.itemsPerS));
  for (const auto& replica : report.replicas)
    html += row(escaped(replica.name), work(replica.requests, replica.itemsPerS));
  html += end + table;
  html += row(tr("Mean, p90, p99.9"), QStringLiteral("%1, %2, %3")
                                          .arg(formatMs(report.latency.meanMs), formatMs(report.latency.p90Ms),
                                               formatMs(report.latency.p999Ms)));
  html += row(tr("Slowest"), formatMs(report.latency.maxMs));
  if (report.failed > 0)
    html += row(tr("Failed"), QStringLiteral("<b style='color:%1'>%2</b>")
                                  .arg(theme.problem.name(), formatCount(static_cast<double>(report.failed))));
  html += end + heading(tr("Mean time of a request")) + table;
  html += row(tr("Waiting"), formatMs(report.queueMs)) + row(tr("Preprocessing"), formatMs(report.preprocessMs)) +
          row(tr("Transfers"), formatMs(report.transferMs)) + row(tr("Computing"), formatMs(report.computeMs));
  html += end + heading(tr("Devices")) + table;
  for (const auto& device : report.devices)
    html += row(escaped(device.id), tr("%1 busy").arg(formatPercent(device.busyFraction)));
  html += end + heading(tr("Memory")) + table;
  for (const auto& memory : report.memory)
    html += row(escaped(memory.id), tr("%1 weights, %2 activations, %3 staging")
                                        .arg(formatBytes(static_cast<double>(memory.weightsBytes)),
                                             formatBytes(static_cast<double>(memory.activationsBytes)),
                                             formatBytes(static_cast<double>(memory.stagingBytes))));
  html += row(tr("Process"), formatBytes(static_cast<double>(report.rssBytes)));
  html += end + heading(tr("Start-up")) + table;
  html += row(tr("Load"), formatMs(report.loadMs)) + row(tr("Compile"), formatMs(report.compileMs)) +
          row(tr("Warm-up"), formatMs(report.warmupMs)) + end;
  for (const auto& replica : report.replicas) {
    if (!replica.summary.empty())
      html += muted(escaped(replica.name) + QStringLiteral(": ") + escaped(replica.summary) +
                    (replica.precision == "model" ? QString() : QStringLiteral(", ") + escaped(replica.precision))) +
              QStringLiteral("<br>");
  }
  if (!report.notes.empty()) {
    html += heading(tr("Notes")) + QStringLiteral("<ul style='margin-left:-24px; margin-top:0px'>");
    for (const auto& note : report.notes) html += QStringLiteral("<li>%1</li>").arg(escaped(note));
    html += QStringLiteral("</ul>");
  }
  return html;
}

} // namespace tandem::ui
