// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include "ui/widgets/graph_canvas/graph_canvas_p.hpp"

#include <QEvent>
#include <QScrollBar>
#include <QtConcurrent>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr double kReadableZoom = 0.75;
constexpr double kSmallestReadableZoom = 0.45;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

std::shared_ptr<LayoutOutcome> runLayout(const std::shared_ptr<const GraphScene>& scene, const TextMetrics& title,
                                         const TextMetrics& subtitle,
                                         const std::shared_ptr<std::atomic<bool>>& cancel) {
  auto outcome = std::make_shared<LayoutOutcome>();
  outcome->graph = visibleGraph(*scene, title, subtitle);
  GraphLayout layout = layoutGraph(outcome->graph, *scene, {}, *cancel);
  if (layout.cancelled) return nullptr;
  outcome->geometry.set(std::move(layout), outcome->graph);
  return outcome;
}

} // namespace

GraphCanvas::Private::Private(GraphCanvas* canvas) : q(canvas), painter(canvas->font()) {}

GraphCanvas::GraphCanvas(QWidget* parent) : QAbstractScrollArea(parent), d(std::make_unique<Private>(this)) {
  setFocusPolicy(Qt::StrongFocus);
  setAcceptDrops(true);
  viewport()->setAcceptDrops(true);
  viewport()->setMouseTracking(true);
  viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
  setFrameShape(QFrame::NoFrame);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  d->theme = Theme::of(palette());
  d->emptyHeadline = tr("No model open");
  d->sharpen.setSingleShot(true);
  d->sharpen.setInterval(80);
  connect(&d->sharpen, &QTimer::timeout, this, [this] {
    d->invalidate();
    viewport()->update();
  });
  connect(&d->watcher, &QFutureWatcherBase::finished, this, [this] { d->takeLayout(); });
  setAccessibleName(tr("Graph"));
  d->describeForAccessibility();
}

GraphCanvas::~GraphCanvas() {
  if (d->cancel) *d->cancel = true;
}

void GraphCanvas::setScene(GraphScene scene) {
  const bool hadSelection = !d->selection.isEmpty();
  d->scene = std::move(scene);
  d->ready = false;
  d->graph = {};
  d->geometry = {};
  d->looks = {};
  d->selection.clear();
  d->highlighted.clear();
  d->activity.clear();
  d->boxActivity.clear();
  d->hoveredBox = d->hoveredNode = d->currentNode = d->currentScope = -1;
  d->anchor.reset();
  d->ensurePending = -1;
  d->firstViewPending = true;
  d->cancelStroke();
  d->minimap = {};
  d->invalidate();
  d->startLayout();
  d->describeForAccessibility();
  viewport()->update();
  if (hadSelection) emit selectionChanged({});
}

const GraphScene& GraphCanvas::scene() const { return d->scene; }

void GraphCanvas::setDevices(const QList<CanvasDevice>& devices) {
  d->devices = devices;
  d->updateLooks();
  d->restoreCursor();
}

const QList<CanvasDevice>& GraphCanvas::devices() const { return d->devices; }

void GraphCanvas::setPlacement(const QList<int>& requested, const QList<int>& effective, const QList<quint8>& flags,
                               const QStringList& reasons) {
  const int count = d->scene.nodeCount();
  Q_ASSERT(requested.size() == count && effective.size() == count);
  for (int node = 0; node < count; ++node)
    d->scene.setPlacement(node, requested[node], effective[node], node < flags.size() ? flags[node] : quint8(0),
                          node < reasons.size() ? reasons[node] : QString());
  d->updateLooks();
}

void GraphCanvas::setMeasured(const QList<double>& ms, double transferMs, bool stale) {
  d->scene.setMeasured(ms, transferMs, stale);
  d->updateLooks();
}

void GraphCanvas::setColorMode(ColorMode mode) {
  if (mode == d->mode) return;
  d->mode = mode;
  d->updateLooks();
  emit colorModeChanged(mode);
}

ColorMode GraphCanvas::colorMode() const { return d->mode; }

void GraphCanvas::setEmptyText(const QString& headline, const QString& text) {
  d->emptyHeadline = headline;
  d->emptyText = text;
  viewport()->update();
}

void GraphCanvas::setToolTipProvider(std::function<QString(int)> provider) { d->toolTipProvider = std::move(provider); }

void GraphCanvas::Private::startLayout() {
  if (cancel) *cancel = true;
  cancel = std::make_shared<std::atomic<bool>>(false);
  layoutRunning = true;
  const auto copy = std::make_shared<const GraphScene>(scene);
  const TextMetrics title = TextMetrics::of(titleFont(q->font())), subtitle = TextMetrics::of(subtitleFont(q->font()));
  watcher.setFuture(
      QtConcurrent::run([copy, title, subtitle, flag = cancel] { return runLayout(copy, title, subtitle, flag); }));
}

void GraphCanvas::Private::takeLayout() {
  const auto outcome = watcher.result();
  if (!outcome) return; // cancelled: another one is under way
  cancelStroke();
  graph = std::move(outcome->graph);
  geometry = std::move(outcome->geometry);
  layoutRunning = false;
  ready = true;
  hoveredBox = -1;
  updateLooks();
  updateSelectedBoxes();
  q->setHighlighted(QList<int>(highlighted));
  q->setActivity(QList<float>(activity));
  if (firstViewPending) {
    firstViewPending = false;
    showFirstView();
  } else if (anchor) {
    const int box = boxOfScope(anchor->scope), frame = frameOfScope(anchor->scope);
    if (box >= 0)
      setView({view.zoom, anchor->viewPos - geometry.layout.boxes[at(box)].center() * view.zoom});
    else if (frame >= 0) {
      const QRectF& rect = geometry.layout.frames[at(frame)].rect;
      setView(
          {view.zoom, anchor->viewPos - QPointF(rect.center().x(), rect.top() + kFrameTitleHeight / 2) * view.zoom});
    }
  }
  anchor.reset();
  if (const int node = std::exchange(ensurePending, -1); node >= 0) q->ensureVisible(node);
  q->viewport()->update();
  emit q->layoutFinished();
}

// All of it when it is readable, else the top at a readable size: a long chain fitted to the window is a thin line.
void GraphCanvas::Private::showFirstView() {
  const ViewTransform fit = ViewTransform::fitting(geometry.layout.bounds, viewSize(), 24, 1.0);
  if (fit.zoom >= kSmallestReadableZoom) {
    setView(fit);
    return;
  }
  const QRectF& bounds = geometry.layout.bounds;
  ViewTransform top{kReadableZoom, {}};
  double x = bounds.center().x();
  const auto& boxes = geometry.layout.boxes;
  if (bounds.width() * top.zoom > viewSize().width() && !boxes.empty())
    x = std::min_element(boxes.begin(), boxes.end(), [](const QRectF& a, const QRectF& b) { return a.top() < b.top(); })
            ->center()
            .x();
  top.offset = {viewSize().width() / 2 - x * top.zoom, 24 - bounds.top() * top.zoom};
  setView(top);
}

void GraphCanvas::Private::updateLooks() {
  if (!ready) return;
  looks = makeLooks(scene, graph, devices, mode, theme);
  minimap = {};
  invalidate();
  q->viewport()->update();
}

void GraphCanvas::setScopeCollapsed(int scope, bool collapsed) { d->toggleScope(scope, collapsed, std::nullopt); }

void GraphCanvas::Private::toggleScope(int scope, bool collapsed, std::optional<QPointF> pointer) {
  if (scope < 0 || scope >= scene.scopeCount() || scene.isCollapsed(scope) == collapsed) return;
  if (const int box = boxOfScope(scope); box >= 0) {
    const QPointF center = view.toView(geometry.layout.boxes[at(box)].center());
    anchor = Anchor{scope, QPointF(center.x(), pointer ? pointer->y() : center.y())};
  } else if (const int frame = frameOfScope(scope); frame >= 0) {
    const QRectF rect = view.toView(geometry.layout.frames[at(frame)].rect);
    anchor =
        Anchor{scope, pointer.value_or(QPointF(rect.center().x(), rect.top() + kFrameTitleHeight / 2 * view.zoom))};
  }
  scene.setCollapsed(scope, collapsed);
  scopeStateChanged();
}

void GraphCanvas::Private::scopeStateChanged() {
  startLayout();
  describeForAccessibility();
  emit q->expansionChanged();
}

void GraphCanvas::expandAll() {
  d->scene.setAllCollapsed(false);
  d->scopeStateChanged();
}

void GraphCanvas::collapseAll() {
  d->scene.setAllCollapsed(true);
  d->scopeStateChanged();
}

QList<int> GraphCanvas::selection() const { return d->selection; }

void GraphCanvas::setSelection(const QList<int>& nodes) { d->applySelection(nodes); }

void GraphCanvas::Private::applySelection(QList<int> nodes) {
  nodes.removeIf([this](int node) { return node < 0 || node >= scene.nodeCount(); });
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  if (nodes == selection) return;
  selection = std::move(nodes);
  updateSelectedBoxes();
  describeForAccessibility();
  q->viewport()->update();
  emit q->selectionChanged(selection);
}

void GraphCanvas::Private::updateSelectedBoxes() {
  selectedInBox.assign(graph.boxes.size(), 0);
  if (!ready) return;
  for (const int node : selection) ++selectedInBox[at(graph.boxOfNode[at(node)])];
}

void GraphCanvas::setHighlighted(const QList<int>& nodes) {
  d->highlighted = nodes;
  d->highlightedBox.assign(d->graph.boxes.size(), 0);
  if (d->ready)
    for (const int node : nodes)
      if (node >= 0 && node < d->scene.nodeCount()) d->highlightedBox[at(d->graph.boxOfNode[at(node)])] = 1;
  viewport()->update();
}

void GraphCanvas::setHovered(int node) {
  const int box = d->boxOfNode(node);
  if (box == d->hoveredBox) return;
  d->hoveredBox = box;
  viewport()->update();
}

void GraphCanvas::setActivity(const QList<float>& activity) {
  d->activity = activity;
  d->boxActivity.clear();
  if (d->ready && activity.size() == d->scene.nodeCount()) {
    d->boxActivity.assign(d->graph.boxes.size(), 0);
    for (int node = 0; node < d->scene.nodeCount(); ++node) {
      float& box = d->boxActivity[at(d->graph.boxOfNode[at(node)])];
      box = std::max(box, activity[node]);
    }
  }
  viewport()->update();
}

bool GraphCanvas::isLayoutDone() const { return d->ready && !d->layoutRunning; }

QPoint GraphCanvas::viewPosOf(int node) const {
  const int box = d->boxOfNode(node);
  return box < 0 ? QPoint(-1, -1) : d->view.toView(d->geometry.layout.boxes[at(box)].center()).toPoint();
}

QPoint GraphCanvas::viewPosOfScope(int scope) const {
  if (const int box = d->boxOfScope(scope); box >= 0)
    return d->view.toView(d->geometry.layout.boxes[at(box)].center()).toPoint();
  const int frame = d->frameOfScope(scope);
  if (frame < 0) return {-1, -1};
  const QRectF& rect = d->geometry.layout.frames[at(frame)].rect;
  return d->view.toView(QPointF(rect.left() + 20, rect.top() + kFrameTitleHeight / 2)).toPoint();
}

int GraphCanvas::nodeAt(QPoint viewportPos) const {
  const int box = d->boxAtView(viewportPos);
  return box < 0 ? -1 : d->graph.boxes[at(box)].node;
}

int GraphCanvas::scopeAt(QPoint viewportPos) const {
  if (const int box = d->boxAtView(viewportPos); box >= 0) return d->graph.boxes[at(box)].scope;
  const int frame = d->frameAtView(viewportPos);
  return frame < 0 ? -1 : d->geometry.layout.frames[at(frame)].scope;
}

int GraphCanvas::Private::boxOfNode(int node) const {
  return ready && node >= 0 && node < scene.nodeCount() ? graph.boxOfNode[at(node)] : -1;
}

int GraphCanvas::Private::boxOfScope(int scope) const {
  return ready && scope >= 0 && scope < scene.scopeCount() ? graph.boxOfScope[at(scope)] : -1;
}

int GraphCanvas::Private::frameOfScope(int scope) const {
  const auto& frames = geometry.layout.frames;
  const auto found = std::find_if(frames.begin(), frames.end(), [&](const LayoutFrame& f) { return f.scope == scope; });
  return found == frames.end() ? -1 : static_cast<int>(found - frames.begin());
}

QList<int> GraphCanvas::Private::nodesOfBox(int box) const {
  if (box < 0) return {};
  const VisibleBox& b = graph.boxes[at(box)];
  return b.scope >= 0 ? scene.nodesInside(b.scope) : QList<int>{b.node};
}

int GraphCanvas::Private::currentBox() const {
  if (const int box = boxOfScope(currentScope); box >= 0) return box;
  return boxOfNode(currentNode);
}

void GraphCanvas::Private::setCurrentBox(int box) {
  currentNode = currentScope = -1;
  if (box < 0) return;
  currentScope = graph.boxes[at(box)].scope;
  currentNode = currentScope >= 0 ? scene.nodesInside(currentScope).value(0, -1) : graph.boxes[at(box)].node;
}

QSizeF GraphCanvas::Private::viewSize() const { return QSizeF(q->viewport()->size()); }

CanvasPainter::Picture GraphCanvas::Private::picture() const { return {scene, graph, geometry, looks, theme}; }

void GraphCanvas::setMinimapVisible(bool visible) {
  d->minimapVisible = visible;
  viewport()->update();
}

void GraphCanvas::setLegendVisible(bool visible) {
  d->legendVisible = visible;
  viewport()->update();
}

bool GraphCanvas::isMinimapVisible() const { return d->minimapVisible; }
bool GraphCanvas::isLegendVisible() const { return d->legendVisible; }

QSize GraphCanvas::sizeHint() const { return {800, 600}; }

void GraphCanvas::changeEvent(QEvent* event) {
  QAbstractScrollArea::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::StyleChange) {
    d->theme = Theme::of(palette());
    d->updateLooks();
    d->invalidate();
    viewport()->update();
  } else if (event->type() == QEvent::FontChange) {
    d->painter = CanvasPainter(font());
    if (d->scene.nodeCount() > 0) d->startLayout();
  }
}

} // namespace tandem::ui
