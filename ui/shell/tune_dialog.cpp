// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/shell/tune_dialog.hpp"

#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPointer>
#include <QProgressBar>
#include <QPushButton>
#include <QSpinBox>
#include <QStyle>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

enum Column { kLayer, kDevice, kBefore, kBeforeTime, kNow, kNowTime, kGain, kColumns };

QStandardItem* cell(const QString& text, std::optional<double> number = {}) {
  auto* item = new QStandardItem(text);
  item->setEditable(false);
  item->setData(number ? QVariant(*number) : QVariant(text), Qt::UserRole);
  if (number) item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
  return item;
}

QString timeText(double us) { return us > 0 ? formatMs(us * 1e-3) : QString(); }

/// "stem/conv", "stem/conv and 3 more".
QString layersText(const session::Document& document, const session::TunedKernel& kernel) {
  if (kernel.nodes.empty()) return toQString(kernel.key);
  const QString first = toQString(document.nodes[static_cast<std::size_t>(kernel.nodes.front())].name);
  return kernel.layers > 1 ? TuneDialog::tr("%1 and %2 more").arg(first).arg(kernel.layers - 1) : first;
}

} // namespace

TuneDialog::TuneDialog(Workspace& workspace, QWidget* parent) : QDialog(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("tune_dialog"));
  setWindowTitle(tr("Find the fastest kernels"));
  setAttribute(Qt::WA_DeleteOnClose);
  auto* layout = new QVBoxLayout(this);
  auto* text =
      new QLabel(tr("OpenCL devices can compute most layers in several ways. This runs the model with each and "
                    "remembers the fastest for these shapes, on this device and driver. Native CPUs do so by "
                    "themselves."),
                 this);
  text->setWordWrap(true);
  layout->addWidget(text);

  auto* form = new QFormLayout;
  m_target = new QComboBox(this);
  m_target->setObjectName(QStringLiteral("tune_target"));
  form->addRow(tr("&Layers"), m_target);
  m_batch = new QSpinBox(this);
  m_batch->setObjectName(QStringLiteral("tune_batch"));
  m_batch->setRange(1, 4096);
  form->addRow(tr("&Items per request"), m_batch);
  m_seconds = new QSpinBox(this);
  m_seconds->setObjectName(QStringLiteral("tune_seconds"));
  m_seconds->setRange(1, 3600);
  m_seconds->setValue(60);
  m_seconds->setSuffix(tr(" s at most"));
  form->addRow(tr("&Time"), m_seconds);
  m_again = new QCheckBox(tr("Measure &again what is known"), this);
  m_again->setObjectName(QStringLiteral("tune_again"));
  form->addRow(QString(), m_again);
  layout->addLayout(form);

  m_progress = new QProgressBar(this);
  m_progress->setAccessibleName(tr("Progress of the measurement"));
  m_progress->setTextVisible(false);
  layout->addWidget(m_progress);
  m_text = new QLabel(this);
  m_text->setObjectName(QStringLiteral("tune_text"));
  m_text->setTextFormat(Qt::PlainText);
  m_text->setWordWrap(true);
  layout->addWidget(m_text);

  m_table = new QTreeView(this);
  m_table->setObjectName(QStringLiteral("tune_table"));
  m_table->setAccessibleName(tr("Kernels by gain"));
  m_rows.setSortRole(Qt::UserRole);
  m_table->setModel(&m_rows);
  m_table->setRootIsDecorated(false);
  m_table->setUniformRowHeights(true);
  m_table->setSortingEnabled(true);
  m_table->setAlternatingRowColors(true);
  m_table->hide();
  layout->addWidget(m_table, 1);

  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  m_start = buttons->addButton(tr("&Measure"), QDialogButtonBox::ActionRole);
  m_start->setObjectName(QStringLiteral("tune_start"));
  m_start->setDefault(true);
  m_stop = buttons->addButton(tr("&Stop"), QDialogButtonBox::ActionRole);
  m_stop->setObjectName(QStringLiteral("tune_stop"));
  layout->addWidget(buttons);
  connect(m_start, &QPushButton::clicked, this, &TuneDialog::start);
  connect(m_stop, &QPushButton::clicked, this, [this] { m_workspace.engine.cancelTune(); });
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(&workspace.document, &DocumentModel::closed, this, &QDialog::reject);
  connect(&workspace.devices, &DeviceListModel::changed, this, &TuneDialog::fillTargets);
  fillTargets();
  setBusy(false);
  resize(fontMetrics().averageCharWidth() * 90, sizeHint().height());
}

TuneDialog::~TuneDialog() {
  if (m_busy) m_workspace.engine.cancelTune();
}

QString TuneDialog::text() const { return m_text->text(); }

void TuneDialog::fillTargets() {
  const QString chosen = m_target->currentData().toString();
  m_target->clear();
  m_target->addItem(tr("Where they are placed"), QString());
  for (const QString& id : m_workspace.devices.visibleIds())
    if (!id.startsWith(QStringLiteral("CPU:"))) m_target->addItem(tr("All on %1").arg(id), id);
  // With no layer on such a device yet there would be nothing to measure.
  const auto& effective = m_workspace.document.view().effective;
  const bool anyPlaced =
      std::any_of(effective.begin(), effective.end(), [](const auto& id) { return id.rfind("CPU:", 0) != 0; });
  int index = m_target->findData(chosen);
  if (chosen.isEmpty()) index = !anyPlaced && m_target->count() > 1 ? 1 : 0;
  m_target->setCurrentIndex(std::max(index, 0));
}

void TuneDialog::setBusy(bool busy) {
  m_busy = busy;
  m_start->setEnabled(!busy && !m_workspace.runs.isActive());
  m_stop->setEnabled(busy);
  for (QWidget* field : {static_cast<QWidget*>(m_target), static_cast<QWidget*>(m_batch),
                         static_cast<QWidget*>(m_seconds), static_cast<QWidget*>(m_again)})
    field->setEnabled(!busy);
  m_progress->setRange(0, busy ? 0 : 1);
  m_progress->setVisible(busy);
}

void TuneDialog::start() {
  if (m_busy) return;
  const DocumentModel& document = m_workspace.document;
  EngineBridge::TuneSpec spec;
  spec.device = m_target->currentData().toString();
  spec.placement = document.placement();
  spec.batch = m_batch->value();
  spec.seconds = m_seconds->value();
  spec.again = m_again->isChecked();
  setBusy(true);
  m_text->setText(tr("Compiling..."));
  const QPointer<TuneDialog> guard(this);
  m_workspace.engine.tune(
      document.ref(), document.nodeCount(), spec,
      [guard](const Result<session::Tuning>& tuning) {
        if (guard) guard->take(tuning);
      },
      [guard](double done, double total, const QString& text) {
        if (!guard || !guard->m_busy) return;
        guard->m_progress->setRange(0, static_cast<int>(total));
        guard->m_progress->setValue(static_cast<int>(done));
        guard->m_text->setText(text);
      });
}

void TuneDialog::take(const Result<session::Tuning>& tuning) {
  setBusy(false);
  if (tuning.ok()) return show(*tuning);
  m_text->setText(tuning.error().code == ErrorCode::Cancelled ? tr("Stopped. Nothing was kept.")
                                                              : toQString(tuning.error().line()));
}

void TuneDialog::show(const session::Tuning& tuning) {
  QStringList lines;
  if (tuning.segments.empty())
    lines << tr("There was nothing to choose: no layer is on a device with several kernels. Choose a device above.");
  for (const session::TunedSegment& each : tuning.segments) {
    QString line = each.beforeMs > 0 ? tr("%1: device time %2 before, %3 now.")
                                           .arg(toQString(each.device), formatMs(each.beforeMs), formatMs(each.afterMs))
                                     : tr("%1: everything was known already.").arg(toQString(each.device));
    if (!each.complete) line += tr(" The time was over before everything was tried.");
    lines << line;
    for (const std::string& problem : each.problems) lines << toQString(problem);
  }
  m_text->setText(lines.join(QLatin1Char('\n')));
  m_rows.clear();
  m_rows.setHorizontalHeaderLabels(
      {tr("Layers"), tr("Device"), tr("Before"), tr("Time"), tr("Now"), tr("Time"), tr("Gain")});
  for (const session::TunedKernel& each : tuning.kernels) {
    const double gain = (each.beforeUs - each.afterUs) * each.layers;
    QList<QStandardItem*> row(kColumns);
    row[kLayer] = cell(layersText(m_workspace.document.document(), each));
    row[kDevice] = cell(toQString(each.device));
    row[kBefore] = cell(toQString(each.before));
    row[kBeforeTime] = cell(timeText(each.beforeUs), each.beforeUs);
    row[kNow] = cell(toQString(each.after));
    row[kNowTime] = cell(timeText(each.afterUs), each.afterUs);
    row[kGain] = cell(!each.measured ? tr("known") : gain > 0 ? timeText(gain) : tr("none"), gain);
    QStringList timings{toQString(each.key)};
    for (const auto& [kernel, us] : each.timings) timings << tr("%1: %2").arg(toQString(kernel), timeText(us));
    for (QStandardItem* item : row) item->setToolTip(timings.join(QLatin1Char('\n')));
    m_rows.appendRow(row);
  }
  m_table->setVisible(!tuning.kernels.empty());
  m_table->sortByColumn(kGain, Qt::DescendingOrder);
  for (int column = 0; column < kColumns; ++column) m_table->resizeColumnToContents(column);
  m_table->setColumnWidth(kLayer, std::min(m_table->columnWidth(kLayer), fontMetrics().averageCharWidth() * 32));
  if (!m_table->isVisible()) return;
  // As wide as the table, as long as it stays inside the window behind.
  const QMargins margins = layout()->contentsMargins();
  const int around = margins.left() + margins.right() + 2 * m_table->frameWidth() +
                     m_table->style()->pixelMetric(QStyle::PM_ScrollBarExtent);
  const int most = parentWidget() != nullptr ? parentWidget()->width() : m_table->header()->length() + around;
  resize(std::max(width(), std::min(m_table->header()->length() + around, most)),
         std::max(height(), fontMetrics().height() * 30));
}

} // namespace tandem::ui
