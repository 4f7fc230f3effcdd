// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/compare/compare_panel.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/widgets/chart/quantile_chart.hpp"
#include "ui/widgets/common/common.hpp"

#include <QAction>
#include <QClipboard>
#include <QEvent>
#include <QFileDialog>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLabel>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QTextBrowser>
#include <QTreeView>
#include <QVBoxLayout>

namespace tandem::ui {
namespace {

QTreeView* makeTable(QWidget* parent, const QString& objectName, const QString& accessibleName) {
  auto* table = new QTreeView(parent);
  table->setObjectName(objectName);
  table->setAccessibleName(accessibleName);
  table->setRootIsDecorated(false);
  table->setUniformRowHeights(true);
  table->setAlternatingRowColors(true);
  table->setFrameShape(QFrame::NoFrame);
  table->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
  table->header()->setStretchLastSection(true);
  return table;
}

} // namespace

ComparePanel::ComparePanel(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(6, 6, 6, 6);
  m_pages = new QStackedWidget(this);
  m_empty = new EmptyState(m_pages);
  m_empty->setText(tr("Nothing to compare yet"),
                   tr("Runs of this window appear here. Run twice (F5), or open the reports of earlier runs."));
  auto* open = new QAction(icon(QStringLiteral("open")), tr("&Open reports..."), this);
  connect(open, &QAction::triggered, this, &ComparePanel::chooseReports);
  m_empty->setActions({open});
  m_pages->addWidget(m_empty);
  auto* splitter = new QSplitter(Qt::Horizontal, m_pages);
  splitter->addWidget(makeRuns());
  splitter->addWidget(makeResult());
  splitter->setStretchFactor(0, 2);
  splitter->setStretchFactor(1, 3);
  m_pages->addWidget(splitter);
  layout->addWidget(m_pages);

  connect(m_runs->selectionModel(), &QItemSelectionModel::currentRowChanged, this, &ComparePanel::compare);
  connect(&m_workspace.history, &RunHistory::baselineChanged, this, &ComparePanel::compare);
  connect(&m_workspace.history, &QAbstractItemModel::rowsInserted, this, [this] {
    m_pages->setCurrentIndex(1);
    m_runs->setCurrentIndex(m_workspace.history.index(0, RunHistory::kRun));
    compare();
  });
  compare();
}

QWidget* ComparePanel::makeRuns() {
  auto* side = new QWidget(this);
  auto* layout = new QVBoxLayout(side);
  layout->setContentsMargins(0, 0, 0, 0);
  m_runs = makeTable(side, QStringLiteral("compare_runs"), tr("Runs to compare"));
  m_runs->setModel(&m_workspace.history);
  // What runs of one model differ in first.
  int place = 1;
  for (const RunHistory::Column column :
       {RunHistory::kNote, RunHistory::kThroughput, RunHistory::kP50, RunHistory::kP99})
    m_runs->header()->moveSection(m_runs->header()->visualIndex(column), place++);
  m_runs->setEditTriggers(QAbstractItemView::DoubleClicked | QAbstractItemView::EditKeyPressed);
  m_runs->setToolTip(tr("The chosen run is B. F2 or a double click on a note edits it."));
  auto* buttons = new QHBoxLayout;
  m_pin = new QPushButton(tr("&Pin as baseline"), side);
  m_pin->setObjectName(QStringLiteral("compare_pin"));
  m_pin->setToolTip(tr("Every other run is then compared with this one; without a baseline, with the run before it"));
  m_open = new QPushButton(icon(QStringLiteral("open")), tr("&Open reports..."), side);
  m_open->setObjectName(QStringLiteral("compare_open"));
  m_open->setToolTip(tr("Reports of tandem run --json, or exported from a window"));
  buttons->addWidget(m_pin);
  buttons->addWidget(m_open);
  buttons->addStretch(1);
  layout->addWidget(m_runs, 1);
  layout->addLayout(buttons);
  connect(m_pin, &QPushButton::clicked, this, &ComparePanel::pinChosen);
  connect(m_open, &QPushButton::clicked, this, &ComparePanel::chooseReports);
  return side;
}

QWidget* ComparePanel::makeResult() {
  auto* side = new QWidget(this);
  auto* layout = new QVBoxLayout(side);
  layout->setContentsMargins(0, 0, 0, 0);
  auto* top = new QHBoxLayout;
  m_summary = new QLabel(side);
  m_summary->setObjectName(QStringLiteral("compare_summary"));
  m_summary->setWordWrap(true);
  m_summary->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  m_copy = new QPushButton(icon(QStringLiteral("copy")), tr("&Copy table"), side);
  m_copy->setObjectName(QStringLiteral("compare_copy"));
  m_copy->setToolTip(tr("As comma separated values"));
  top->addWidget(m_summary, 1);
  top->addWidget(m_copy, 0, Qt::AlignTop);
  layout->addLayout(top);
  auto* splitter = new QSplitter(Qt::Horizontal, side);
  m_table = makeTable(splitter, QStringLiteral("compare_table"), tr("Figures of both runs"));
  m_table->setModel(&m_model);
  auto* right = new QSplitter(Qt::Vertical, splitter);
  m_chart = new QuantileChart(tr("Share of requests answered within"), Unit::Milliseconds, right);
  m_chart->setObjectName(QStringLiteral("compare_latency"));
  m_detail = new QTextBrowser(right);
  m_detail->setObjectName(QStringLiteral("compare_detail"));
  m_detail->setAccessibleName(tr("Settings that differ, and notes"));
  m_detail->setFrameShape(QFrame::NoFrame);
  splitter->setStretchFactor(0, 3);
  splitter->setStretchFactor(1, 2);
  layout->addWidget(splitter, 1);
  connect(m_copy, &QPushButton::clicked, this, &ComparePanel::copyTable);
  return side;
}

int ComparePanel::chosen() const { return m_runs->currentIndex().isValid() ? m_runs->currentIndex().row() : -1; }

int ComparePanel::reference() const {
  const int row = chosen();
  if (row < 0) return -1;
  if (const int pinned = m_workspace.history.baseline(); pinned >= 0) return pinned == row ? -1 : pinned;
  return row + 1 < m_workspace.history.rowCount() ? row + 1 : -1;
}

void ComparePanel::compare() {
  const int b = chosen(), a = reference();
  const RunHistory& history = m_workspace.history;
  m_pin->setEnabled(b >= 0);
  m_pin->setText(b >= 0 && b == history.baseline() ? tr("&Unpin the baseline") : tr("&Pin as baseline"));
  m_chart->setReference({}, {}, {});
  if (a < 0 || b < 0) {
    m_model.clear();
    m_summary->setText(b >= 0 && b == history.baseline()
                           ? tr("This is the baseline: choose another run to compare.")
                           : tr("Nothing came before this run: run again, or choose another."));
    m_detail->clear();
    m_chart->setQuantiles({});
    m_copy->setEnabled(false);
    return;
  }
  const QString nameA = tr("A: run %1").arg(history.label(a)), nameB = tr("B: run %1").arg(history.label(b));
  const session::Report &ofA = history.entry(a).report, &ofB = history.entry(b).report;
  const auto comparison = session::compareReports(ofA.json, ofB.json, nameA.toStdString(), nameB.toStdString());
  if (!comparison) {
    m_model.clear();
    m_summary->setText(toQString(comparison.error().line()));
    m_copy->setEnabled(false);
    return;
  }
  m_model.setComparison(*comparison);
  m_summary->setText(
      QStringLiteral("<b>%1</b> &nbsp; %2 &nbsp;|&nbsp; %3")
          .arg(toQString(comparison->summary).toHtmlEscaped(), nameA.toHtmlEscaped(), nameB.toHtmlEscaped()));
  m_detail->setHtml(detailHtml(nameA, nameB));
  m_chart->setQuantiles(QList<double>(ofB.latencyQuantilesMs.begin(), ofB.latencyQuantilesMs.end()));
  m_chart->setReference(QList<double>(ofA.latencyQuantilesMs.begin(), ofA.latencyQuantilesMs.end()), nameB, nameA);
  m_copy->setEnabled(true);
}

QString ComparePanel::detailHtml(const QString& a, const QString& b) const {
  const session::Comparison& comparison = m_model.comparison();
  const QString muted = Theme::of(palette()).mutedText.name();
  QString html;
  if (comparison.settings.empty()) {
    html += QStringLiteral("<p>%1</p>").arg(tr("Settings, devices and versions are the same in both."));
  } else {
    html += QStringLiteral("<table cellspacing='2'><tr><td></td>");
    for (const QString& name : {a, b})
      html += QStringLiteral("<td style='color:%1; padding-left:8px'>%2</td>").arg(muted, name.toHtmlEscaped());
    html += QStringLiteral("</tr>");
    for (const session::ComparedSetting& setting : comparison.settings)
      html += QStringLiteral("<tr><td style='color:%1'>%2</td><td style='padding-left:8px'>%3</td>"
                             "<td style='padding-left:8px'>%4</td></tr>")
                  .arg(muted, toQString(setting.name).toHtmlEscaped(), toQString(setting.a).toHtmlEscaped(),
                       toQString(setting.b).toHtmlEscaped());
    html += QStringLiteral("</table>");
  }
  html += QStringLiteral("<ul style='margin-left:-24px'>");
  for (const std::string& note : comparison.notes)
    html += QStringLiteral("<li>%1</li>").arg(toQString(note).toHtmlEscaped());
  return html + QStringLiteral("</ul>");
}

QString ComparePanel::summaryText() const { return toQString(m_model.comparison().summary); }

void ComparePanel::pinChosen() {
  const int row = chosen();
  if (row >= 0) m_workspace.history.setBaseline(row == m_workspace.history.baseline() ? -1 : row);
}

void ComparePanel::copyTable() { QGuiApplication::clipboard()->setText(m_model.csv()); }

Result<void> ComparePanel::openReport(const QString& path) { return m_workspace.history.open(path); }

void ComparePanel::chooseReports() {
  auto* dialog = new QFileDialog(this, tr("Open reports"), m_workspace.settings.lastFolder(QStringLiteral("report")),
                                 tr("Reports (*.json);;All files (*)"));
  dialog->setObjectName(QStringLiteral("compare_open_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::ExistingFiles);
  connect(dialog, &QFileDialog::filesSelected, this, [this](const QStringList& files) {
    for (const QString& file : files) {
      m_workspace.settings.setLastFolder(QStringLiteral("report"), file);
      if (const auto opened = openReport(file); !opened.ok()) emit failed(opened.error());
    }
  });
  dialog->open();
}

void ComparePanel::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange) compare();
  QWidget::changeEvent(event);
}

} // namespace tandem::ui
