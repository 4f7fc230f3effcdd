// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/parity/parity_panel.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/widgets/common/bar_delegate.hpp"
#include "ui/widgets/common/common.hpp"

#include <QClipboard>
#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLabel>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QSaveFile>
#include <QStackedWidget>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

enum InputKind { kSynthetic, kPrediction, kFiles };

struct ToleranceChoice {
  const char* text;
  double rtol, atol; ///< rtol 0: by element type
};
constexpr ToleranceChoice kTolerances[] = {{QT_TRANSLATE_NOOP("ParityPanel", "Usual, by type"), 0, 0},
                                           {QT_TRANSLATE_NOOP("ParityPanel", "Strict: 1e-5, 1e-7"), 1e-5, 1e-7},
                                           {QT_TRANSLATE_NOOP("ParityPanel", "Loose: 1e-2, 1e-4"), 1e-2, 1e-4}};

QComboBox* comboBox(const QString& name, const QString& title, QWidget* parent) {
  auto* box = new QComboBox(parent);
  box->setObjectName(name);
  box->setAccessibleName(title);
  box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  box->setMinimumContentsLength(8);
  return box;
}

constexpr int kPrecisionRole = Qt::UserRole + 1; ///< beside the device's id, empty for the placement

int findSide(const QComboBox& box, const QVariant& device, const QVariant& precision) {
  for (int i = 0; i < box.count(); ++i)
    if (box.itemData(i) == device && box.itemData(i, kPrecisionRole) == precision) return i;
  return -1;
}

QString errorText(double value) {
  if (std::isinf(value)) return QStringLiteral("∞");
  return value == 0 ? QStringLiteral("0") : QLocale().toString(value, 'e', 1);
}

} // namespace

ParityPanel::ParityPanel(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("parity_panel"));
  auto* layout = new QVBoxLayout(this);
  const int gap = fontMetrics().height() / 2;
  layout->setContentsMargins(gap, gap, gap, 0);
  layout->setSpacing(gap / 2);
  layout->addWidget(makeChoices());
  m_empty = new EmptyState(this);
  m_empty->setIcon(icon(QStringLiteral("layers")));
  m_pages = new QStackedWidget(this);
  m_pages->addWidget(m_empty);
  m_pages->addWidget(makeTable());
  layout->addWidget(m_pages, 1);

  DocumentModel& document = m_workspace.document;
  const auto forget = [this] {
    m_model.clear();
    m_hasResult = m_stale = false;
    m_files.clear();
    fillInputs();
    updateState();
  };
  connect(&document, &DocumentModel::opened, this, forget);
  connect(&document, &DocumentModel::closed, this, forget);
  connect(&document, &DocumentModel::placementChanged, this, [this] {
    m_stale = m_hasResult;
    updateState();
  });
  connect(&m_workspace.devices, &DeviceListModel::changed, this, &ParityPanel::fillSides);
  connect(&m_workspace.runs, &RunController::stateChanged, this, &ParityPanel::updateState);
  connect(&m_workspace, &Workspace::predictionInputChanged, this, &ParityPanel::fillInputs);
  connect(&m_workspace.selection, &SelectionModel::selectionChanged, this, &ParityPanel::selectRows);
  fillSides();
  fillInputs();
  updateState();
}

QWidget* ParityPanel::makeChoices() {
  auto* area = new QWidget(this);
  auto* grid = new QGridLayout(area);
  grid->setContentsMargins(0, 0, 0, 0);
  m_a = comboBox(QStringLiteral("parity_a"), tr("Placement A"), area);
  m_b = comboBox(QStringLiteral("parity_b"), tr("Placement B"), area);
  m_input = comboBox(QStringLiteral("parity_input"), tr("Input of the comparison"), area);
  m_tolerance = comboBox(QStringLiteral("parity_tolerance"), tr("Tolerance"), area);
  for (const ToleranceChoice& each : kTolerances) m_tolerance->addItem(tr(each.text));
  m_tolerance->setToolTip(tr("Relative and absolute. Usual: 1e-3 and 1e-5, in half precision 5e-2 and 5e-3. Integers "
                             "must be equal."));
  int column = 0;
  for (auto [title, box] : {std::pair(tr("Compare &A"), m_a), std::pair(tr("with &B"), m_b),
                            std::pair(tr("&on"), m_input), std::pair(tr("&tolerance"), m_tolerance)}) {
    auto* label = new QLabel(title, area);
    label->setBuddy(box);
    grid->addWidget(label, 0, column++);
    grid->addWidget(box, 0, column);
    grid->setColumnStretch(column++, 1);
  }
  m_compare = new QPushButton(icon(QStringLiteral("run")), tr("&Compare"), area);
  m_compare->setObjectName(QStringLiteral("parity_compare"));
  m_compare->setToolTip(tr("Run every layer on A and on B and compare its numbers"));
  m_stop = new QPushButton(icon(QStringLiteral("stop")), tr("Sto&p"), area);
  m_stop->setObjectName(QStringLiteral("parity_stop"));
  m_copy = toolButton(icon(QStringLiteral("copy")), tr("Copy as command"), QStringLiteral("parity_copy"), area);
  m_export = toolButton(icon(QStringLiteral("export")), tr("Export as CSV..."), QStringLiteral("parity_export"), area);
  for (QWidget* button : {static_cast<QWidget*>(m_compare), static_cast<QWidget*>(m_stop),
                          static_cast<QWidget*>(m_copy), static_cast<QWidget*>(m_export)})
    grid->addWidget(button, 0, column++);
  m_summary = new ElidedLabel({}, area);
  m_summary->setObjectName(QStringLiteral("parity_summary"));
  m_summary->setElideMode(Qt::ElideRight);
  m_progress = new QProgressBar(area);
  m_progress->setAccessibleName(tr("Progress of the comparison"));
  m_progress->setTextVisible(false);
  m_progress->setMaximumHeight(fontMetrics().height());
  grid->addWidget(m_summary, 1, 0, 1, column - 4);
  grid->addWidget(m_progress, 1, column - 4, 1, 4);

  connect(m_compare, &QPushButton::clicked, this, &ParityPanel::compare);
  connect(m_stop, &QPushButton::clicked, this, &ParityPanel::stop);
  connect(m_copy, &QToolButton::clicked, this, &ParityPanel::copyCommand);
  connect(m_export, &QToolButton::clicked, this, &ParityPanel::chooseExport);
  connect(m_input, &QComboBox::activated, this, [this] {
    if (m_input->currentData().toInt() == kFiles && m_files.isEmpty()) chooseFiles();
  });
  return area;
}

QWidget* ParityPanel::makeTable() {
  m_table = new QTreeView(this);
  m_table->setObjectName(QStringLiteral("parity_table"));
  m_table->setAccessibleName(tr("Layers by numeric error"));
  m_proxy.setSourceModel(&m_model);
  m_proxy.setSortRole(ParityModel::kSortRole);
  m_table->setModel(&m_proxy);
  const auto barOf = [](const QModelIndex& index) -> std::optional<CellBar> {
    const QVariant error = index.data(ParityModel::kErrorRole);
    if (!error.isValid() || std::isnan(error.toDouble())) return std::nullopt;
    return CellBar{errorFraction(error.toDouble()), errorFraction(1), error.toDouble() > 1};
  };
  m_table->setItemDelegate(new BarDelegate(
      ParityModel::kDeviceRole, [this](const QString& id) { return m_workspace.devices.numberOf(id); }, barOf,
      QStringLiteral("0.0e-00 "), m_table));
  m_table->setRootIsDecorated(false);
  m_table->setUniformRowHeights(true);
  m_table->setAlternatingRowColors(true);
  m_table->setSortingEnabled(true);
  m_table->sortByColumn(ParityModel::kLocalError, Qt::DescendingOrder);
  m_table->setSelectionMode(QAbstractItemView::ExtendedSelection);
  m_table->setFrameShape(QFrame::NoFrame);
  m_table->header()->setSectionsMovable(true);
  const int em = fontMetrics().averageCharWidth();
  const int widths[ParityModel::kColumns] = {28, 18, 18, 18, 32, 13, 15, 32, 13, 40};
  for (int column = 0; column < ParityModel::kColumns; ++column) m_table->setColumnWidth(column, widths[column] * em);
  connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    if (m_selecting) return;
    QList<int> nodes;
    for (const QModelIndex& row : m_table->selectionModel()->selectedRows())
      nodes << m_model.nodeOf(m_proxy.mapToSource(row).row());
    std::sort(nodes.begin(), nodes.end());
    if (nodes.size() == 1)
      m_workspace.selection.reveal(nodes.first());
    else
      m_workspace.selection.select(nodes);
  });
  return m_table;
}

void ParityPanel::fillSides() {
  const QStringList ids = m_workspace.devices.visibleIds();
  for (QComboBox* box : {m_a, m_b}) {
    const bool first = box->count() == 0;
    const QVariant current = box->currentData(), precision = box->currentData(kPrecisionRole);
    box->clear();
    const QString model = QStringLiteral("model"), half = QStringLiteral("float16");
    const auto add = [&](const QIcon& picture, const QString& text, const QString& device, bool float16) {
      box->addItem(picture, text, device);
      box->setItemData(box->count() - 1, model, kPrecisionRole);
      if (!float16) return;
      box->addItem(picture, tr("%1, float16").arg(text), device);
      box->setItemData(box->count() - 1, half, kPrecisionRole);
      box->setItemData(box->count() - 1, tr("Weights of OpenCL devices stored in half precision"), Qt::ToolTipRole);
    };
    for (int i = 0; i < ids.size(); ++i)
      add(deviceIcon(i, ids[i], palette()), ids[i], ids[i], m_workspace.devices.find(ids[i])->float16);
    add(icon(QStringLiteral("layers")), tr("Current placement"), QString(), m_workspace.devices.hasFloat16());
    const QString usual = box == m_a ? m_workspace.devices.cpu() : m_workspace.devices.accelerator();
    int index = first || !current.isValid() ? findSide(*box, usual, model) : findSide(*box, current, precision);
    if (index < 0) index = findSide(*box, QString(), model);
    box->setCurrentIndex(index);
  }
  // The list comes later than the panel: what stands for "nothing yet" must not count as the user's choice.
  if (ids.isEmpty())
    for (QComboBox* box : {m_a, m_b}) box->clear();
  updateState();
}

void ParityPanel::fillInputs() {
  const int current = m_input->currentData().toInt();
  m_input->clear();
  m_input->addItem(tr("Synthetic data"), kSynthetic);
  const QStringList& predicted = m_workspace.predictionInput();
  if (!predicted.isEmpty())
    m_input->addItem(predicted.size() == 1 ? tr("Prediction's input: %1").arg(QFileInfo(predicted.first()).fileName())
                                           : tr("Prediction's inputs: %n file(s)", nullptr, int(predicted.size())),
                     kPrediction);
  m_input->addItem(m_files.isEmpty()     ? tr("Files...")
                   : m_files.size() == 1 ? QFileInfo(m_files.first()).fileName()
                                         : tr("%n file(s)", nullptr, int(m_files.size())),
                   kFiles);
  m_input->setCurrentIndex(
      std::max(0, m_input->findData(current == kFiles && m_files.isEmpty() ? kSynthetic : current)));
}

void ParityPanel::chooseFiles() {
  auto* dialog = new QFileDialog(this, tr("Choose inputs"), m_workspace.settings.lastFolder(QStringLiteral("pictures")),
                                 tr("Pictures and tensors (*.png *.jpg *.jpeg *.npy *.npz *.pb);;All files (*)"));
  dialog->setObjectName(QStringLiteral("parity_files_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::ExistingFiles);
  connect(dialog, &QFileDialog::filesSelected, this, [this](const QStringList& files) {
    m_workspace.settings.setLastFolder(QStringLiteral("pictures"), files.first());
    m_files = files;
    fillInputs();
    m_input->setCurrentIndex(m_input->findData(kFiles));
  });
  connect(dialog, &QDialog::rejected, this, &ParityPanel::fillInputs);
  dialog->open();
}

session::ParitySide ParityPanel::sideOf(const QComboBox& choice) const {
  session::ParitySide side;
  side.device = choice.currentData().toString().toStdString();
  if (side.device.empty()) side.placement = m_workspace.document.placement();
  side.precision = choice.currentData(kPrecisionRole).toString().toStdString();
  return side;
}

session::ParitySpec ParityPanel::spec() const {
  session::ParitySpec spec;
  spec.a = sideOf(*m_a);
  spec.b = sideOf(*m_b);
  const int kind = m_input->currentData().toInt();
  const QStringList files = kind == kPrediction ? m_workspace.predictionInput()
                            : kind == kFiles    ? m_files
                                                : QStringList();
  for (const QString& file : files) spec.inputs.push_back(file.toStdString());
  const ToleranceChoice& tolerance = kTolerances[std::max(0, m_tolerance->currentIndex())];
  if (tolerance.rtol > 0) {
    spec.rtol = tolerance.rtol;
    spec.atol = tolerance.atol;
  }
  return spec;
}

bool ParityPanel::canCompare() const {
  return m_workspace.document.canRun() && m_a->count() > 0 && !m_busy && !m_workspace.runs.isActive();
}

void ParityPanel::updateState() {
  const bool open = m_workspace.document.isOpen(), ready = m_workspace.document.canRun();
  const bool devices = m_a->count() > 0;
  m_compare->setEnabled(canCompare());
  m_compare->setVisible(!m_busy); // one place for both: the row must fit a narrow window
  m_stop->setVisible(m_busy);
  m_copy->setEnabled(ready && devices);
  m_export->setEnabled(m_hasResult);
  for (QComboBox* box : {m_a, m_b, m_input, m_tolerance}) box->setEnabled(ready && !m_busy);
  m_progress->setVisible(m_busy);
  m_summary->setText(m_busy ? m_step : summaryText());
  m_pages->setCurrentIndex(m_hasResult ? 1 : 0);
  if (!open)
    m_empty->setText(tr("No model is open"), tr("Open a model to compare what two placements make of it."));
  else if (!ready)
    m_empty->setText(tr("This model can be viewed, not run"), tr("It has unknown operators."));
  else
    m_empty->setText(
        tr("Do two devices give the same numbers?"),
        tr("Choose two devices, or a device and your placement, and compare: every layer runs on both, and "
           "the layers that differ most come first."));
  emit stateChanged();
}

QString ParityPanel::summaryText() const {
  if (!m_hasResult) return {};
  const session::Parity& parity = m_model.parity();
  QString text = parity.passed ? tr("Same numbers within the tolerance: ") : tr("Different numbers: ");
  text += tr("%n layer(s) compared", nullptr, parity.compared) + QStringLiteral(", ") +
          tr("%n over the tolerance", nullptr, parity.over);
  if (parity.failed > 0) text += QStringLiteral(", ") + tr("%n failed on B", nullptr, parity.failed);
  for (const auto& output : parity.outputs)
    text += QStringLiteral("; ") + tr("%1: max abs %2").arg(toQString(output.name), errorText(output.compiled.maxAbs)) +
            (output.over ? QStringLiteral(" ") + tr("(over)") : QString());
  if (m_stale) text += QStringLiteral("; ") + tr("the placement has changed since");
  return text;
}

void ParityPanel::compare() {
  if (!canCompare()) return;
  m_busy = true;
  m_step = tr("Starting");
  m_progress->setRange(0, 0);
  updateState();
  m_workspace.engine.compare(
      m_workspace.document.ref(), spec(), [this](const Result<session::Parity>& result) { take(result); },
      [this](double done, double total, const QString& layer) {
        if (!m_busy) return;
        m_progress->setRange(0, static_cast<int>(total));
        m_progress->setValue(static_cast<int>(done));
        m_step = tr("%1 of %2: %3").arg(QLocale().toString(done, 'f', 0), QLocale().toString(total, 'f', 0), layer);
        m_summary->setText(m_step);
      });
}

void ParityPanel::take(const Result<session::Parity>& result) {
  m_busy = false;
  if (result.ok()) {
    m_hasResult = true;
    m_stale = false;
    m_model.setParity(*result);
    m_table->sortByColumn(ParityModel::kLocalError, Qt::DescendingOrder);
    m_table->scrollToTop();
    selectRows(m_workspace.selection.nodes());
  } else if (result.error().code != ErrorCode::Cancelled && result.error().code != ErrorCode::WorkerLost) {
    emit failed(result.error()); // a lost worker has its own message
  }
  updateState();
}

void ParityPanel::stop() {
  if (m_busy) m_workspace.engine.cancelCompare();
}

void ParityPanel::selectRows(const QList<int>& nodes) {
  QItemSelection rows;
  QModelIndex first;
  for (const int node : nodes) {
    const int row = m_model.rowOf(node);
    if (row < 0) continue;
    const QModelIndex index = m_proxy.mapFromSource(m_model.index(row, 0));
    rows.select(index, index);
    if (!first.isValid()) first = index;
  }
  m_selecting = true;
  m_table->selectionModel()->select(rows, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  m_selecting = false;
  if (first.isValid()) m_table->scrollTo(first);
}

void ParityPanel::focusChoice() { m_a->setFocus(Qt::ShortcutFocusReason); }

void ParityPanel::copyCommand() {
  if (!m_workspace.document.canRun()) return;
  session::ParitySpec wanted = spec();
  for (session::ParitySide* side : {&wanted.a, &wanted.b}) {
    if (!side->placement) continue;
    const auto file = m_workspace.document.placementOnDisk();
    if (!file.ok()) {
      emit failed(file.error());
      return;
    }
    side->placementFile = file->toStdString();
  }
  const QString command = toQString(session::parityCommand(m_workspace.document.document().source, wanted,
                                                           m_workspace.engine.config().cores.toStdString()));
  QGuiApplication::clipboard()->setText(command);
  emit commandCopied(command);
}

void ParityPanel::chooseExport() {
  if (!m_hasResult) return;
  auto* dialog = new QFileDialog(this, tr("Export the comparison"),
                                 m_workspace.settings.lastFolder(QStringLiteral("parity")), tr("Table (*.csv)"));
  dialog->setObjectName(QStringLiteral("parity_export_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("csv"));
  dialog->selectFile(QFileInfo(sourceTitle(m_workspace.document.source())).completeBaseName() +
                     QStringLiteral("-parity"));
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("parity"), path);
    if (const auto written = exportCsv(path); !written.ok()) emit failed(written.error());
  });
  dialog->open();
}

Result<void> ParityPanel::exportCsv(const QString& path) const {
  QSaveFile file(path);
  if (file.open(QIODevice::WriteOnly) && file.write(m_model.csv().toUtf8()) >= 0 && file.commit()) return {};
  return makeError(ErrorCode::OutputFailed, "cannot write the table: " + file.errorString().toStdString(),
                   path.toStdString(), "choose a folder that you may write to, with free space");
}

} // namespace tandem::ui
