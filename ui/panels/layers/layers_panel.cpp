// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/layers/layers_panel.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/panels/layers/layer_scene.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QKeyEvent>
#include <QLabel>
#include <QStyledItemDelegate>
#include <QTabWidget>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

/// Puts the device's badge before its id.
class DeviceDelegate : public QStyledItemDelegate {
 public:
  DeviceDelegate(const DeviceListModel& devices, QObject* parent) : QStyledItemDelegate(parent), m_devices(devices) {}

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
    QStyledItemDelegate::initStyleOption(option, index);
    const QString id = index.data(LayerTableModel::kDeviceRole).toString();
    if (id.isEmpty()) return;
    option->icon = deviceIcon(m_devices.numberOf(id), id, option->palette);
    option->features |= QStyleOptionViewItem::HasDecoration;
  }

 private:
  const DeviceListModel& m_devices;
};

/// The layer table: number keys assign, as on the canvas.
class LayerTable : public QTreeView {
 public:
  LayerTable(std::function<void(int)> assign, QWidget* parent) : QTreeView(parent), m_assign(std::move(assign)) {}

 protected:
  void keyPressEvent(QKeyEvent* event) override {
    const bool plain = !(event->modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier));
    if (plain && event->key() >= Qt::Key_0 && event->key() <= Qt::Key_9)
      m_assign(event->key() - Qt::Key_0);
    else
      QTreeView::keyPressEvent(event);
  }

 private:
  std::function<void(int)> m_assign;
};

} // namespace

LayersPanel::LayersPanel(Workspace& workspace, QWidget* parent)
    : QWidget(parent),
      m_workspace(workspace),
      m_model(workspace.document, workspace.devices),
      m_proxy(workspace.document) {
  setObjectName(QStringLiteral("layers_panel"));
  m_canvas = new GraphCanvas(this);
  m_canvas->setObjectName(QStringLiteral("canvas"));
  m_canvas->setAccessibleName(tr("Layers graph"));
  m_canvas->setToolTipProvider([this](int node) { return nodeToolTip(m_workspace.document, node); });
  makeTable();
  m_tabs = new QTabWidget(this);
  m_tabs->setObjectName(QStringLiteral("layers_tabs"));
  m_tabs->setDocumentMode(true);
  m_tabs->addTab(m_canvas, icon(QStringLiteral("sample")), tr("Graph"));
  m_tabs->addTab(m_table, icon(QStringLiteral("palette")), tr("Table"));
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(makeToolBar());
  layout->addWidget(m_tabs, 1);

  DocumentModel& document = m_workspace.document;
  connect(&document, &DocumentModel::opened, this, &LayersPanel::rebuildScene);
  connect(&document, &DocumentModel::sizesChanged, this, &LayersPanel::rebuildScene);
  connect(&document, &DocumentModel::closed, this, &LayersPanel::rebuildScene);
  connect(&document, &DocumentModel::placementChanged, this, &LayersPanel::updatePlacement);
  connect(&document, &DocumentModel::effectiveChanged, this, &LayersPanel::updatePlacement);
  connect(&m_workspace.devices, &DeviceListModel::changed, this, [this] {
    QList<CanvasDevice> devices;
    for (const QString& id : m_workspace.devices.visibleIds()) devices.append({id, id, {}});
    m_canvas->setDevices(devices);
    updatePlacement();
  });

  SelectionModel& selection = m_workspace.selection;
  connect(m_canvas, &GraphCanvas::selectionChanged, &selection, &SelectionModel::select);
  connect(m_canvas, &GraphCanvas::hoverChanged, &selection, &SelectionModel::setHovered);
  connect(&selection, &SelectionModel::selectionChanged, m_canvas, &GraphCanvas::setSelection);
  connect(&selection, &SelectionModel::selectionChanged, this, &LayersPanel::selectRows);
  connect(&selection, &SelectionModel::hoverChanged, m_canvas, &GraphCanvas::setHovered);
  connect(&selection, &SelectionModel::revealRequested, this, [this](int node) {
    m_canvas->ensureVisible(node);
    m_table->scrollTo(m_proxy.mapFromSource(m_model.index(node, 0)));
  });
  const auto assign = [this](const QList<int>& nodes, int number) {
    const QStringList ids = m_workspace.devices.visibleIds();
    if (number > ids.size()) return;
    m_workspace.document.assign(nodes, number == 0 ? QString() : ids[number - 1]);
  };
  connect(m_canvas, &GraphCanvas::assignRequested, this, assign);
  connect(m_canvas, &GraphCanvas::deviceDropped, this,
          [this](const QString& id, const QList<int>& nodes) { m_workspace.document.assign(nodes, id); });
  connect(m_canvas, &GraphCanvas::contextMenuRequested, this, [this](QPoint position, const QList<int>& nodes) {
    if (!nodes.isEmpty()) m_workspace.selection.select(nodes);
    emit contextMenuRequested(position);
  });
}

QWidget* LayersPanel::makeToolBar() {
  auto* bar = new QWidget(this);
  auto* row = new QHBoxLayout(bar);
  const int gap = fontMetrics().height() / 3;
  row->setContentsMargins(gap, gap, gap, gap);
  m_filter = new FilterEdit(bar);
  m_filter->setObjectName(QStringLiteral("layer_filter"));
  m_filter->setAccessibleName(tr("Find layers"));
  m_filter->setPlaceholderText(tr("Find layers: name, op:Conv, dev:CPU:0, moved:"));
  m_filter->setToolTip(tr("Words that must all match. op: operator, dev: device, moved: layers that run elsewhere than "
                          "asked. Enter goes to the next hit, Shift+Enter to the one before."));
  row->addWidget(m_filter, 1);
  auto* label = new QLabel(tr("Colou&r by"), bar);
  m_colors = new QComboBox(bar);
  m_colors->setObjectName(QStringLiteral("color_mode"));
  m_colors->setAccessibleName(tr("Colour by"));
  m_colors->addItem(tr("Device"), int(ColorMode::Device));
  m_colors->addItem(tr("Operator"), int(ColorMode::Operator));
  m_colors->addItem(tr("FLOPs"), int(ColorMode::Flops));
  m_colors->addItem(tr("Bytes"), int(ColorMode::Bytes));
  m_colors->addItem(tr("Support"), int(ColorMode::Support));
  label->setBuddy(m_colors);
  row->addWidget(label);
  row->addWidget(m_colors);
  auto* expand = toolButton(icon(QStringLiteral("expand")), tr("Expand all groups"), QStringLiteral("expand_all"), bar);
  auto* collapse =
      toolButton(icon(QStringLiteral("collapse")), tr("Collapse all groups"), QStringLiteral("collapse_all"), bar);
  auto* fit = toolButton(icon(QStringLiteral("fit")), tr("Fit into the window (Space)"), QStringLiteral("fit"), bar);
  auto* picture =
      toolButton(icon(QStringLiteral("picture")), tr("Export picture..."), QStringLiteral("export_picture"), bar);
  for (QToolButton* each : {expand, collapse, fit, picture}) each->setAutoRaise(true);
  for (QToolButton* button : {expand, collapse, fit, picture}) row->addWidget(button);
  connect(expand, &QToolButton::clicked, m_canvas, &GraphCanvas::expandAll);
  connect(collapse, &QToolButton::clicked, m_canvas, &GraphCanvas::collapseAll);
  connect(fit, &QToolButton::clicked, m_canvas, &GraphCanvas::fitToWindow);
  connect(picture, &QToolButton::clicked, this, &LayersPanel::exportPicture);
  connect(m_colors, &QComboBox::currentIndexChanged, this,
          [this] { m_canvas->setColorMode(static_cast<ColorMode>(m_colors->currentData().toInt())); });
  connect(m_canvas, &GraphCanvas::colorModeChanged, this,
          [this](ColorMode mode) { m_colors->setCurrentIndex(m_colors->findData(int(mode))); });
  connect(m_filter, &FilterEdit::filterChanged, this, &LayersPanel::applyFilter);
  connect(m_filter, &FilterEdit::nextRequested, this, [this] { step(1); });
  connect(m_filter, &FilterEdit::previousRequested, this, [this] { step(-1); });
  return bar;
}

void LayersPanel::makeTable() {
  m_table = new LayerTable(
      [this](int number) {
        const QStringList ids = m_workspace.devices.visibleIds();
        if (number <= ids.size())
          m_workspace.document.assign(m_workspace.selection.nodes(), number == 0 ? QString() : ids[number - 1]);
      },
      this);
  m_table->setObjectName(QStringLiteral("layer_table"));
  m_table->setAccessibleName(tr("Layers table"));
  m_proxy.setSourceModel(&m_model);
  m_table->setModel(&m_proxy);
  m_table->setItemDelegate(new DeviceDelegate(m_workspace.devices, m_table));
  m_table->setRootIsDecorated(false);
  m_table->setUniformRowHeights(true);
  m_table->setAlternatingRowColors(true);
  m_table->setSortingEnabled(true);
  m_table->sortByColumn(LayerTableModel::kNumber, Qt::AscendingOrder);
  m_table->setSelectionMode(QAbstractItemView::ExtendedSelection);
  m_table->setFrameShape(QFrame::NoFrame);
  m_table->setContextMenuPolicy(Qt::CustomContextMenu);
  m_table->header()->setSectionsMovable(true);
  connect(m_table, &QWidget::customContextMenuRequested, this,
          [this](QPoint position) { emit contextMenuRequested(m_table->viewport()->mapToGlobal(position)); });
  connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    if (!m_selecting) m_workspace.selection.select(rowsSelected());
  });
}

void LayersPanel::rebuildScene() {
  m_filter->clear();
  m_canvas->setScene(buildScene(m_workspace.document, m_workspace.devices));
  const int em = fontMetrics().averageCharWidth();
  const int widths[LayerTableModel::kColumns] = {6, 24, 16, 18, 13, 13, 13, 17, 17, 22, 14, 11};
  for (int column = 0; column < LayerTableModel::kColumns; ++column)
    m_table->setColumnWidth(column, widths[column] * em);
}

void LayersPanel::updatePlacement() {
  if (!m_workspace.document.isOpen()) return;
  const ScenePlacement placement = buildPlacement(m_workspace.document, m_workspace.devices);
  m_canvas->setPlacement(placement.requested, placement.effective, placement.flags, placement.reasons);
}

void LayersPanel::applyFilter(const QString& text) {
  const LayerFilter filter(text);
  m_hits = filter.matching(m_workspace.document);
  m_proxy.setFilter(filter);
  m_canvas->setHighlighted(m_hits);
  m_filter->setMatchCount(filter.isEmpty() ? -1 : static_cast<int>(m_hits.size()), m_workspace.document.nodeCount());
}

void LayersPanel::step(int direction) {
  if (m_hits.isEmpty()) return;
  const QList<int>& selected = m_workspace.selection.nodes();
  const int from = selected.isEmpty() ? (direction > 0 ? -1 : m_workspace.document.nodeCount()) : selected.first();
  qsizetype next;
  if (direction > 0) {
    next = std::upper_bound(m_hits.begin(), m_hits.end(), from) - m_hits.begin();
    if (next == m_hits.size()) next = 0;
  } else {
    next = std::lower_bound(m_hits.begin(), m_hits.end(), from) - m_hits.begin() - 1;
    if (next < 0) next = m_hits.size() - 1;
  }
  m_workspace.selection.reveal(m_hits[next]);
}

QList<int> LayersPanel::rowsSelected() const {
  QList<int> nodes;
  for (const QModelIndex& row : m_table->selectionModel()->selectedRows()) nodes << m_proxy.mapToSource(row).row();
  return nodes;
}

void LayersPanel::selectRows(const QList<int>& nodes) {
  QList<int> current = rowsSelected();
  std::sort(current.begin(), current.end());
  if (current == nodes) return;
  QItemSelection rows;
  for (const int node : nodes) {
    const QModelIndex index = m_proxy.mapFromSource(m_model.index(node, 0));
    if (index.isValid()) rows.select(index, index);
  }
  m_selecting = true;
  m_table->selectionModel()->select(rows, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  m_selecting = false;
}

void LayersPanel::focusSearch() {
  m_filter->setFocus(Qt::ShortcutFocusReason);
  m_filter->selectAll();
}

void LayersPanel::showGraph() {
  m_tabs->setCurrentWidget(m_canvas);
  m_canvas->setFocus(Qt::OtherFocusReason);
}

void LayersPanel::showTable() {
  m_tabs->setCurrentWidget(m_table);
  m_table->setFocus(Qt::OtherFocusReason);
}

void LayersPanel::exportPicture() {
  if (!m_workspace.document.isOpen()) return;
  auto* dialog = new QFileDialog(this, tr("Export picture"), m_workspace.settings.lastFolder(QStringLiteral("picture")),
                                 tr("SVG drawing (*.svg);;PNG picture (*.png)"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("svg"));
  dialog->selectFile(QFileInfo(sourceTitle(m_workspace.document.source())).completeBaseName());
  connect(dialog, &QFileDialog::filterSelected, dialog, [dialog](const QString& filter) {
    dialog->setDefaultSuffix(filter.contains(QLatin1String("*.png")) ? QStringLiteral("png") : QStringLiteral("svg"));
  });
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("picture"), path);
    const bool png = path.endsWith(QLatin1String(".png"), Qt::CaseInsensitive);
    if (!(png ? m_canvas->exportPng(path) : m_canvas->exportSvg(path))) emit pictureFailed(path);
  });
  dialog->open();
}

} // namespace tandem::ui
