// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/layers/layers_panel.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"
#include "ui/panels/layers/layer_scene.hpp"
#include "ui/panels/layers/layer_table.hpp"
#include "ui/panels/layers/search_bar.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QClipboard>
#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QStandardItemModel>
#include <QTabWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {
constexpr double kPictureScale = 2;
constexpr int kHeavyDrawing = 5000; // boxes
} // namespace
LayersPanel::LayersPanel(Workspace& workspace, QWidget* parent)
    : QWidget(parent),
      m_workspace(workspace),
      m_search(workspace.document) {
  setObjectName(QStringLiteral("layers_panel"));
  m_canvas = new GraphCanvas(this);
  m_canvas->setObjectName(QStringLiteral("canvas"));
  m_canvas->setAccessibleName(tr("Layers graph"));
  m_canvas->setToolTipProvider([this](int node) { return nodeToolTip(m_workspace.document, node); });
  m_table = new LayerTable(workspace, m_search, this);
  m_tabs = new QTabWidget(this);
  m_tabs->setObjectName(QStringLiteral("layers_tabs"));
  m_tabs->setDocumentMode(true);
  m_tabs->addTab(m_canvas, icon(QStringLiteral("sample")), tr("Graph"));
  m_tabs->addTab(m_table, icon(QStringLiteral("palette")), tr("Table"));
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(makeToolBar());
  layout->addWidget(m_searchBar->problem());
  layout->addWidget(m_tabs, 1);

  DocumentModel& document = m_workspace.document;
  connect(&document, &DocumentModel::opened, this, &LayersPanel::rebuildScene);
  connect(&document, &DocumentModel::sizesChanged, this, &LayersPanel::rebuildScene);
  connect(&document, &DocumentModel::closed, this, &LayersPanel::rebuildScene);
  connect(&document, &DocumentModel::placementChanged, this, &LayersPanel::updatePlacement);
  connect(&document, &DocumentModel::profiled, this, &LayersPanel::updateTimes);
  connect(&document, &DocumentModel::effectiveChanged, this, &LayersPanel::updatePlacement);
  connect(&m_workspace.devices, &DeviceListModel::changed, this, [this] {
    m_canvas->setDevices(buildDevices(m_workspace.devices));
    fillBrushMenu();
    updatePlacement();
  });

  SelectionModel& selection = m_workspace.selection;
  connect(m_canvas, &GraphCanvas::selectionChanged, &selection, &SelectionModel::select);
  connect(m_canvas, &GraphCanvas::hoverChanged, &selection, &SelectionModel::setHovered);
  connect(&selection, &SelectionModel::selectionChanged, m_canvas, &GraphCanvas::setSelection);
  connect(&selection, &SelectionModel::selectionChanged, this,
          [this](const QList<int>& nodes) { m_table->selectNodes(nodes); });
  connect(&selection, &SelectionModel::hoverChanged, m_canvas, &GraphCanvas::setHovered);
  connect(&selection, &SelectionModel::revealRequested, this, [this](int node) {
    m_canvas->ensureVisible(node);
    m_table->scrollToNode(node);
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
  m_searchBar = new LayerSearchBar(m_workspace, m_search, this);
  row->addWidget(m_searchBar, 1);
  auto* label = new QLabel(tr("Colou&r by"), bar);
  m_colors = new QComboBox(bar);
  m_colors->setObjectName(QStringLiteral("color_mode"));
  m_colors->setAccessibleName(tr("Colour by"));
  m_colors->addItem(tr("Device"), int(ColorMode::Device));
  m_colors->addItem(tr("Operator"), int(ColorMode::Operator));
  m_colors->addItem(tr("Time"), int(ColorMode::Time));
  m_colors->addItem(tr("FLOPs"), int(ColorMode::Flops));
  m_colors->addItem(tr("Memory"), int(ColorMode::Bytes));
  m_colors->addItem(tr("Data type"), int(ColorMode::Type));
  m_colors->addItem(tr("Support"), int(ColorMode::Support));
  label->setBuddy(m_colors);
  row->addWidget(label);
  row->addWidget(m_colors);
  m_paint = toolButton(icon(QStringLiteral("brush")),
                       tr("Paint a device on layers by dragging over them (hold B). Esc takes the stroke back"),
                       QStringLiteral("paint"), bar);
  m_paint->setCheckable(true);
  m_paint->setAutoRaise(true);
  m_paint->setPopupMode(QToolButton::MenuButtonPopup);
  m_paint->setMenu(new QMenu(m_paint));
  m_paint->setToolButtonStyle(Qt::ToolButtonIconOnly);
  row->addWidget(m_paint);
  connect(m_paint, &QToolButton::clicked, m_canvas, &GraphCanvas::setPainting);
  connect(m_canvas, &GraphCanvas::paintingChanged, this, &LayersPanel::showBrush);
  connect(m_canvas, &GraphCanvas::brushChanged, this, &LayersPanel::showBrush);
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
  connect(&m_search, &LayerSearch::changed, this, &LayersPanel::showHits);
  connect(m_searchBar, &LayerSearchBar::stepRequested, this, &LayersPanel::step);
  connect(m_searchBar, &LayerSearchBar::selectHitsRequested, this, &LayersPanel::selectHits);
  connect(m_table, &LayerTable::contextMenuAt, this, &LayersPanel::contextMenuRequested);
  connect(m_table, &LayerTable::copyRequested, this, &LayersPanel::copyRows);
  return bar;
}

void LayersPanel::rebuildScene() {
  m_searchBar->clear();
  m_canvas->setScene(buildScene(m_workspace.document, m_workspace.devices));
  updateTimes();
  m_table->setDefaultWidths();
}

void LayersPanel::updatePlacement() {
  if (!m_workspace.document.isOpen()) return;
  const ScenePlacement placement = buildPlacement(m_workspace.document, m_workspace.devices);
  m_canvas->setPlacement(placement.requested, placement.effective, placement.flags, placement.reasons);
  if (m_timesStale != m_workspace.document.isMeasuredStale()) updateTimes();
}

void LayersPanel::updateTimes() {
  const DocumentModel& document = m_workspace.document;
  const SceneTimes times = buildTimes(document);
  m_timesStale = document.isMeasuredStale();
  m_canvas->setMeasured(times.ms, times.transferMs, m_timesStale);
  const int row = m_colors->findData(int(ColorMode::Time));
  if (auto* model = qobject_cast<QStandardItemModel*>(m_colors->model()))
    model->item(row)->setEnabled(!times.ms.isEmpty());
  m_colors->setItemData(row,
                        times.ms.isEmpty() ? tr("Nothing was measured: Run > Measure each layer where it runs (F8)")
                                           : tr("Median time of each layer where it runs"),
                        Qt::ToolTipRole);
}

void LayersPanel::fillBrushMenu() {
  QMenu* menu = m_paint->menu();
  menu->clear();
  const QStringList ids = m_workspace.devices.visibleIds();
  for (int i = 0; i < ids.size(); ++i) {
    QAction* choose = menu->addAction(deviceIcon(i, ids[i], palette()), tr("Paint with %1").arg(ids[i]));
    choose->setObjectName(QStringLiteral("brush_") + ids[i]);
    connect(choose, &QAction::triggered, this, [this, i] {
      m_canvas->setBrush(i);
      m_canvas->setPainting(true);
      showGraph();
    });
  }
  m_paint->setEnabled(!ids.isEmpty());
  showBrush();
}

// While painting, the button shows what with.
void LayersPanel::showBrush() {
  const QStringList ids = m_workspace.devices.visibleIds();
  const int brush = m_canvas->brush();
  const bool on = m_canvas->isPainting() && brush >= 0 && brush < ids.size();
  m_paint->setChecked(on);
  m_paint->setIcon(on ? deviceIcon(brush, ids[brush], palette()) : icon(QStringLiteral("brush")));
}

void LayersPanel::togglePainting() {
  showGraph();
  m_canvas->setPainting(!m_canvas->isPainting());
}

void LayersPanel::showHits() { m_canvas->setHighlighted(m_search.hits()); }

void LayersPanel::step(int direction) {
  const QList<int>& selected = m_workspace.selection.nodes();
  const int from = selected.isEmpty() ? -1 : direction > 0 ? selected.last() : selected.first();
  if (const int next = m_search.step(from, direction); next >= 0) m_workspace.selection.reveal(next);
}

void LayersPanel::selectHits() {
  if (!m_search.hits().isEmpty()) m_workspace.selection.reveal(m_search.hits());
}

void LayersPanel::copy(const QString& text, int layers) {
  QGuiApplication::clipboard()->setText(text);
  emit rowsCopied(layers);
}

void LayersPanel::copyRows() {
  if (const QList<int>& nodes = m_workspace.selection.nodes(); !nodes.isEmpty())
    copy(m_table->csv(nodes), static_cast<int>(nodes.size()));
}

void LayersPanel::copyNames() {
  QStringList names;
  for (const int node : m_workspace.selection.nodes())
    names << toQString(m_workspace.document.document().nodes[static_cast<std::size_t>(node)].name);
  if (!names.isEmpty()) copy(names.join(u'\n'), static_cast<int>(names.size()));
}

void LayersPanel::focusSearch() { m_searchBar->focusField(); }

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
    const Result<QString> note = savePicture(path);
    if (note.ok())
      emit pictureSaved(path, *note);
    else
      emit failed(note.error());
  });
  dialog->open();
}

Result<QString> LayersPanel::savePicture(const QString& path) const {
  const QString suffix = QFileInfo(path).suffix().toLower();
  const bool png = suffix == QLatin1String("png");
  if (!png && suffix != QLatin1String("svg"))
    return makeError(ErrorCode::Usage, "the graph can be saved as PNG or SVG only", path.toStdString(),
                     "end the file's name in .png or .svg");
  if (!m_canvas->isLayoutDone())
    return makeError(ErrorCode::Usage, "the graph is still being arranged", path.toStdString(),
                     "try again when it is shown");
  if (!(png ? m_canvas->exportPng(path, kPictureScale) : m_canvas->exportSvg(path)))
    return makeError(ErrorCode::OutputFailed, "cannot write the picture", path.toStdString(),
                     "choose a folder that you may write to, with free space");
  const double scale = m_canvas->pictureScale(kPictureScale);
  if (png && scale < 1)
    return tr("It is reduced to %1: a PNG has at most %2 pixels a side and %3 in all. As SVG the graph keeps every "
              "detail.")
        .arg(formatPercent(scale), formatCount(GraphCanvas::kMaxPictureSide),
             formatCount(GraphCanvas::kMaxPicturePixels));
  if (!png && m_canvas->scene().visibleCount() > kHeavyDrawing)
    return tr("The drawing has %1 boxes, which many viewers show slowly. Collapsed groups make it smaller.")
        .arg(formatCount(m_canvas->scene().visibleCount()));
  return QString();
}

} // namespace tandem::ui
