// SPDX-License-Identifier: GPL-3.0-or-later
// Mouse, keyboard and wheel on the canvas.
#include "ui/widgets/graph_canvas/graph_canvas_p.hpp"

#include <QApplication>
#include <QContextMenuEvent>
#include <QInputDevice>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem::ui {
namespace {

constexpr double kZoomStep = 1.25;
constexpr double kPanStep = 80;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

} // namespace

int GraphCanvas::Private::boxAtView(QPointF pos) const { return ready ? geometry.boxAt(view.toScene(pos)) : -1; }

int GraphCanvas::Private::frameAtView(QPointF pos) const {
  return ready ? geometry.frameTitleAt(view.toScene(pos), kFrameTitleHeight) : -1;
}

void GraphCanvas::Private::hover(QPointF pos) {
  const bool onLegend = legendVisible && legendRect.contains(pos);
  const int box = onLegend ? -1 : boxAtView(pos);
  if (box != hoveredBox) {
    hoveredBox = box;
    q->viewport()->update();
  }
  const int node = box < 0 ? -1 : graph.boxes[at(box)].node;
  if (node != hoveredNode) {
    hoveredNode = node;
    emit q->hoverChanged(node);
  }
}

void GraphCanvas::Private::selectBox(int box, Qt::KeyboardModifiers modifiers) {
  const QList<int> nodes = nodesOfBox(box);
  setCurrentBox(box);
  if (modifiers.testFlag(Qt::ControlModifier)) {
    const bool all = selectedInBox[at(box)] == static_cast<int>(nodes.size());
    QList<int> changed = selection;
    if (all) {
      const QSet<int> remove(nodes.begin(), nodes.end());
      changed.removeIf([&](int node) { return remove.contains(node); });
    } else {
      changed += nodes;
    }
    applySelection(changed);
  } else {
    applySelection(modifiers.testFlag(Qt::ShiftModifier) ? selection + nodes : nodes);
  }
  q->viewport()->update();
}

void GraphCanvas::Private::clickAt(QPointF pos, Qt::KeyboardModifiers modifiers) {
  if (legendVisible && legendRect.contains(pos)) {
    for (std::size_t i = 0; i < legendRows.size(); ++i)
      if (legendRows[i].contains(pos)) applySelection(looks.legend[i].nodes);
    return;
  }
  const bool adds = (modifiers & (Qt::ShiftModifier | Qt::ControlModifier)) != 0;
  if (const int box = boxAtView(pos); box >= 0) {
    selectBox(box, modifiers);
  } else if (const int frame = frameAtView(pos); frame >= 0) {
    const QList<int> inside = scene.nodesInside(geometry.layout.frames[at(frame)].scope);
    applySelection(adds ? selection + inside : inside);
  } else if (!adds) {
    setCurrentBox(-1);
    applySelection({});
  }
}

void GraphCanvas::mousePressEvent(QMouseEvent* event) {
  if (!d->ready || (event->button() != Qt::LeftButton && event->button() != Qt::MiddleButton)) return;
  d->pressPos = d->lastPos = event->position();
  d->pressButton = event->button();
  d->drag = Private::Drag::Pressed;
  const QRectF map = d->minimapRect();
  const bool plain = (event->modifiers() & (Qt::ShiftModifier | Qt::ControlModifier)) == 0;
  const bool onLegend = d->legendVisible && d->legendRect.contains(event->position());
  if (d->minimapVisible && event->button() == Qt::LeftButton && map.contains(event->position()) &&
      !d->view.toScene(QRectF(QPointF(0, 0), d->viewSize())).contains(d->geometry.layout.bounds)) {
    d->drag = Private::Drag::Minimap;
    const QPointF middle(d->viewSize().width() / 2, d->viewSize().height() / 2);
    d->setView({d->view.zoom, middle - d->minimapToScene(event->position()) * d->view.zoom});
  } else if (d->paintsNow() && plain && !onLegend && event->button() == Qt::LeftButton) {
    d->beginStroke(event->position());
  }
}

void GraphCanvas::mouseMoveEvent(QMouseEvent* event) {
  const QPointF pos = event->position(), delta = pos - d->lastPos;
  if (d->drag == Private::Drag::Pressed) {
    if ((pos - d->pressPos).manhattanLength() < QApplication::startDragDistance()) return;
    const bool left = d->pressButton == Qt::LeftButton;
    const auto modifiers = event->modifiers();
    d->drag = left && modifiers.testFlag(Qt::ControlModifier) ? Private::Drag::ZoomRange
              : left && modifiers.testFlag(Qt::ShiftModifier) ? Private::Drag::RubberBand
                                                              : Private::Drag::Pan;
    viewport()->setCursor(d->drag == Private::Drag::Pan ? Qt::ClosedHandCursor : Qt::CrossCursor);
  }
  switch (d->drag) {
  case Private::Drag::None: d->hover(pos); return;
  case Private::Drag::Pressed: return;
  case Private::Drag::Pan: d->setView({d->view.zoom, d->view.offset + delta}); break;
  case Private::Drag::Minimap: {
    const QPointF middle(d->viewSize().width() / 2, d->viewSize().height() / 2);
    d->setView({d->view.zoom, middle - d->minimapToScene(pos) * d->view.zoom});
    break;
  }
  case Private::Drag::Paint: d->strokeTo(pos); break;
  case Private::Drag::RubberBand:
  case Private::Drag::ZoomRange: viewport()->update(); break;
  }
  d->lastPos = pos;
}

void GraphCanvas::Private::finishRubberBand(Qt::KeyboardModifiers) {
  const QRectF range = view.toScene(QRectF(pressPos, lastPos).normalized());
  std::vector<int> boxes;
  geometry.boxIndex.query(range, boxes);
  QList<int> nodes = selection;
  for (const int box : boxes) nodes += nodesOfBox(box);
  if (!boxes.empty()) setCurrentBox(boxes.front());
  applySelection(nodes);
}

void GraphCanvas::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != d->pressButton) return;
  const auto drag = std::exchange(d->drag, Private::Drag::None);
  d->pressButton = Qt::NoButton;
  d->lastPos = event->position();
  d->restoreCursor();
  if (drag == Private::Drag::Paint)
    d->finishStroke();
  else if (drag == Private::Drag::Pressed && event->button() == Qt::LeftButton)
    d->clickAt(event->position(), event->modifiers());
  else if (drag == Private::Drag::RubberBand)
    d->finishRubberBand(event->modifiers());
  else if (drag == Private::Drag::ZoomRange)
    d->setView(
        ViewTransform::fitting(d->view.toScene(QRectF(d->pressPos, d->lastPos).normalized()), d->viewSize(), 0, 4));
  viewport()->update();
}

void GraphCanvas::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !d->ready) return;
  const QPointF pos = event->position();
  if (d->legendVisible && d->legendRect.contains(pos)) return;
  if (const int box = d->boxAtView(pos); box >= 0) {
    const VisibleBox& b = d->graph.boxes[at(box)];
    if (b.scope >= 0)
      d->toggleScope(b.scope, false, pos);
    else
      emit nodeActivated(b.node);
  } else if (const int frame = d->frameAtView(pos); frame >= 0) {
    d->toggleScope(d->geometry.layout.frames[at(frame)].scope, true, pos);
  }
}

void GraphCanvas::wheelEvent(QWheelEvent* event) {
  if (!d->ready) return;
  const auto modifiers = event->modifiers();
  const bool touchpad = event->device() != nullptr && event->device()->type() == QInputDevice::DeviceType::TouchPad;
  if (touchpad && !event->pixelDelta().isNull() && !modifiers.testFlag(Qt::ControlModifier)) {
    d->setView({d->view.zoom, d->view.offset + event->pixelDelta()});
  } else {
    const QPoint angle = event->angleDelta();
    const double steps = (angle.y() != 0 ? angle.y() : angle.x()) / 120.0;
    if (modifiers.testFlag(Qt::ShiftModifier)) {
      d->setView({d->view.zoom, d->view.offset + QPointF(steps * kPanStep, 0)});
    } else {
      const double step = modifiers.testFlag(Qt::ControlModifier) ? 1.07 : kZoomStep;
      d->setView(
          d->view.zoomedAt(event->position(), std::clamp(d->view.zoom * std::pow(step, steps), d->minimumZoom(), 4.0)));
    }
  }
  event->accept();
}

void GraphCanvas::leaveEvent(QEvent* event) {
  d->hover({-1e6, -1e6});
  QAbstractScrollArea::leaveEvent(event);
}

void GraphCanvas::resizeEvent(QResizeEvent* event) {
  QAbstractScrollArea::resizeEvent(event);
  d->invalidate();
  d->minimap = {};
  if (d->ready) d->setView(d->view);
}

bool GraphCanvas::event(QEvent* event) {
  // Plain letters and digits belong to the canvas while it has the focus, before any window shortcut.
  if (event->type() == QEvent::ShortcutOverride) {
    const auto* key = static_cast<QKeyEvent*>(event);
    const bool plain = (key->modifiers() & ~(Qt::ShiftModifier | Qt::KeypadModifier)) == Qt::NoModifier;
    const int code = key->key();
    const bool digit = code >= Qt::Key_0 && code <= Qt::Key_9;
    const bool letter = code == Qt::Key_M || code == Qt::Key_L || code == Qt::Key_B;
    const bool sign = code == Qt::Key_Plus || code == Qt::Key_Minus || code == Qt::Key_Equal ||
                      code == Qt::Key_Asterisk || code == Qt::Key_Slash || code == Qt::Key_Space;
    if ((plain && (digit || letter || sign)) || key->matches(QKeySequence::SelectAll)) {
      event->accept();
      return true;
    }
  }
  if (event->type() == QEvent::FocusOut) d->setHeld(false); // its release goes elsewhere
  if (event->type() == QEvent::FocusIn || event->type() == QEvent::FocusOut) viewport()->update();
  return QAbstractScrollArea::event(event);
}

void GraphCanvas::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_B && (event->modifiers() & ~Qt::ShiftModifier) == Qt::NoModifier) {
    if (!event->isAutoRepeat()) d->setHeld(true);
  } else if (!d->handleKey(event)) {
    QAbstractScrollArea::keyPressEvent(event);
  }
}

void GraphCanvas::keyReleaseEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_B && !event->isAutoRepeat()) d->setHeld(false);
  QAbstractScrollArea::keyReleaseEvent(event);
}

bool GraphCanvas::Private::handleKey(QKeyEvent* event) {
  if (event->matches(QKeySequence::SelectAll)) {
    QList<int> all(scene.nodeCount());
    for (int i = 0; i < all.size(); ++i) all[i] = i;
    applySelection(all);
    return true;
  }
  const int key = event->key();
  const auto modifiers = event->modifiers() & ~Qt::KeypadModifier;
  if (key == Qt::Key_Escape) {
    if (drag != Drag::None) {
      drag = Drag::None;
      cancelStroke();
      restoreCursor();
    } else if (painting) {
      q->setPainting(false);
    } else if (!selection.isEmpty()) {
      applySelection({});
    } else {
      return false; // lets a dialog or the window have it
    }
    q->viewport()->update();
    return true;
  }
  if (key >= Qt::Key_0 && key <= Qt::Key_9 && modifiers == Qt::NoModifier) {
    if (paintHeld && key != Qt::Key_0)
      q->setBrush(key - Qt::Key_1);
    else if (!selection.isEmpty())
      emit q->assignRequested(selection, key - Qt::Key_0);
    return true;
  }
  if (!ready) return false;
  return navigate(key, modifiers) || ((modifiers & ~Qt::ShiftModifier) == Qt::NoModifier && handlePlainKey(key));
}

bool GraphCanvas::Private::handlePlainKey(int key) {
  switch (key) {
  case Qt::Key_Space: q->fitToWindow(); return true;
  case Qt::Key_Plus:
  case Qt::Key_Equal: q->zoomBy(kZoomStep); return true;
  case Qt::Key_Minus: q->zoomBy(1 / kZoomStep); return true;
  case Qt::Key_Asterisk: q->expandAll(); return true;
  case Qt::Key_Slash: q->collapseAll(); return true;
  case Qt::Key_M: q->setMinimapVisible(!minimapVisible); return true;
  case Qt::Key_L: q->setLegendVisible(!legendVisible); return true;
  case Qt::Key_Return:
  case Qt::Key_Enter: {
    const int box = currentBox();
    if (box < 0) return false;
    if (graph.boxes[at(box)].scope >= 0)
      toggleScope(graph.boxes[at(box)].scope, false, std::nullopt);
    else
      emit q->nodeActivated(graph.boxes[at(box)].node);
    return true;
  }
  case Qt::Key_Backspace: {
    const int box = currentBox();
    const int around = box < 0 ? -1 : graph.boxes[at(box)].frame;
    if (around < 0) return false;
    currentScope = around;
    toggleScope(around, true, std::nullopt);
    return true;
  }
  default: return false;
  }
}

// The consumer or producer nearest in x; -1 when there is none.
int GraphCanvas::Private::neighbourAlongEdges(int box, bool down) const {
  const double x = geometry.layout.boxes[at(box)].center().x();
  int best = -1;
  double distance = std::numeric_limits<double>::max();
  for (int i = geometry.incidentStart[at(box)]; i < geometry.incidentStart[at(box) + 1]; ++i) {
    const VisibleEdge& e = graph.edges[at(geometry.incident[at(i)])];
    if ((down ? e.from : e.to) != box) continue;
    const int other = down ? e.to : e.from;
    const double away = std::fabs(geometry.layout.boxes[at(other)].center().x() - x);
    if (away < distance) {
      distance = away;
      best = other;
    }
  }
  return best;
}

bool GraphCanvas::Private::navigate(int key, Qt::KeyboardModifiers modifiers) {
  const bool arrow = key == Qt::Key_Up || key == Qt::Key_Down || key == Qt::Key_Left || key == Qt::Key_Right;
  const bool ends = key == Qt::Key_Home || key == Qt::Key_End;
  if (!arrow && !ends) return false;
  const int from = currentBox();
  if (arrow && (from < 0 || modifiers.testFlag(Qt::ControlModifier))) {
    const QPointF step(key == Qt::Key_Left    ? kPanStep
                       : key == Qt::Key_Right ? -kPanStep
                                              : 0,
                       key == Qt::Key_Up     ? kPanStep
                       : key == Qt::Key_Down ? -kPanStep
                                             : 0);
    setView({view.zoom, view.offset + step});
    return true;
  }
  if ((modifiers & ~Qt::ShiftModifier) != Qt::NoModifier) return false;
  int to = -1;
  if (ends) {
    const auto& boxes = geometry.layout.boxes;
    const auto higher = [](const QRectF& a, const QRectF& b) { return a.top() < b.top(); };
    if (boxes.empty()) return true;
    to = static_cast<int>((key == Qt::Key_Home ? std::min_element(boxes.begin(), boxes.end(), higher)
                                               : std::max_element(boxes.begin(), boxes.end(), higher)) -
                          boxes.begin());
  } else if (key == Qt::Key_Up || key == Qt::Key_Down) {
    to = neighbourAlongEdges(from, key == Qt::Key_Down);
  } else {
    to = geometry.neighbourInRow(from, key == Qt::Key_Right);
  }
  if (to >= 0) {
    selectBox(to, modifiers & Qt::ShiftModifier);
    revealBox(to, false);
  }
  return true;
}

void GraphCanvas::Private::revealBox(int box, bool readable) {
  if (box < 0) return;
  const QRectF rect = geometry.layout.boxes[at(box)];
  ViewTransform next = view;
  if (readable && next.zoom < 0.45) next = next.zoomedAt(next.toView(rect.center()), 0.75);
  const QRectF shown = next.toView(rect);
  const QRectF safe = QRectF(QPointF(0, 0), viewSize()).adjusted(40, 40, -40, -40);
  if (readable && !safe.contains(shown)) {
    next.offset += QPointF(viewSize().width() / 2, viewSize().height() / 2) - shown.center();
  } else {
    next.offset.rx() += std::max(0.0, safe.left() - shown.left()) + std::min(0.0, safe.right() - shown.right());
    next.offset.ry() += std::max(0.0, safe.top() - shown.top()) + std::min(0.0, safe.bottom() - shown.bottom());
  }
  setView(next);
}

void GraphCanvas::contextMenuEvent(QContextMenuEvent* event) {
  if (!d->ready) return;
  if (event->reason() == QContextMenuEvent::Keyboard) {
    const int box = d->currentBox();
    const QPoint pos =
        box < 0 ? viewport()->rect().center() : d->view.toView(d->geometry.layout.boxes[at(box)].center()).toPoint();
    emit contextMenuRequested(viewport()->mapToGlobal(pos), d->selection);
    return;
  }
  const int box = d->boxAtView(event->pos());
  if (box >= 0 && d->selectedInBox[at(box)] == 0) d->selectBox(box, Qt::NoModifier);
  emit contextMenuRequested(event->globalPos(), d->selection);
}

} // namespace tandem::ui
