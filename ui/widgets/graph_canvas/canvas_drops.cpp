// SPDX-License-Identifier: GPL-3.0-or-later
// Devices dropped on the canvas, and what it says: tool tips, and words for assistive technology.
#include "ui/core/units.hpp"
#include "ui/widgets/graph_canvas/graph_canvas_p.hpp"

#include <QDragEnterEvent>
#include <QHelpEvent>
#include <QMimeData>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

constexpr int kSpokenNames = 3;
constexpr double kEdgeReach = 5; // pixels beside a line that still count as on it
constexpr int kCurveSteps = 12;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

double distanceTo(QPointF p, QPointF a, QPointF b) {
  const QPointF along = b - a;
  const double length = QPointF::dotProduct(along, along);
  const double t = length > 0 ? std::clamp(QPointF::dotProduct(p - a, along) / length, 0.0, 1.0) : 0;
  const QPointF away = p - (a + along * t);
  return std::hypot(away.x(), away.y());
}

// The painter's S-curve: vertical at both ends.
QPointF onCurve(QPointF a, QPointF b, double t) {
  const double s = 1 - t, middle = (a.y() + b.y()) / 2;
  return {(s * s * s + 3 * s * s * t) * a.x() + (3 * s * t * t + t * t * t) * b.x(),
          s * s * s * a.y() + (3 * s * s * t + 3 * s * t * t) * middle + t * t * t * b.y()};
}

} // namespace

void GraphCanvas::Private::describeForAccessibility() {
  const int count = scene.nodeCount();
  if (count == 0) {
    q->setAccessibleDescription(emptyHeadline);
    return;
  }
  QString text = tr("Nodes: %1.").arg(formatCount(count));
  if (selection.isEmpty()) {
    text += QLatin1Char(' ') + tr("Nothing selected.");
  } else {
    QStringList names;
    for (qsizetype i = 0; i < std::min<qsizetype>(selection.size(), kSpokenNames); ++i) {
      const int node = selection[i];
      const QString device = deviceName(scene.effective(node));
      names.append(tr("%1, %2, on %3").arg(scene.name(node), scene.title(node), device));
    }
    text += QLatin1Char(' ') + tr("Selected: %1:").arg(formatCount(static_cast<double>(selection.size()))) +
            QLatin1Char(' ') + names.join(QStringLiteral("; "));
    if (selection.size() > kSpokenNames) text += QStringLiteral(" …");
  }
  q->setAccessibleDescription(text);
}

QString GraphCanvas::Private::deviceName(int device) const {
  if (device < 0) return tr("no device");
  if (device >= devices.size()) return tr("device %1").arg(device + 1);
  const CanvasDevice& known = devices[device];
  return known.name.isEmpty() || known.name == known.id ? known.id : tr("%1 (%2)").arg(known.name, known.id);
}

QString GraphCanvas::Private::toolTipOf(int node) const {
  if (toolTipProvider) return toolTipProvider(node);
  QStringList lines{scene.name(node), scene.subtitle(node), tr("Runs on %1").arg(deviceName(scene.effective(node)))};
  if (scene.isMoved(node)) lines.append(tr("Requested %1").arg(deviceName(scene.requested(node))));
  lines.append(scene.reason(node));
  lines.removeAll(QString());
  return lines.join(QLatin1Char('\n'));
}

QString GraphCanvas::Private::scopeToolTip(int scope) const {
  QStringList lines{scene.scopePath(scope), scene.copyText(scope)};
  lines.removeAll(QString());
  for (const DeviceShare& share : scene.sharesOf(scope))
    lines.append(tr("%1 on %2").arg(formatCount(share.count), deviceName(share.device)));
  return lines.join(QLatin1Char('\n'));
}

int GraphCanvas::Private::edgeAtView(QPointF pos) const {
  if (!ready) return -1;
  const double reach = kEdgeReach / view.zoom;
  const QPointF p = view.toScene(pos);
  std::vector<int> found;
  geometry.edgeIndex.query(QRectF(p - QPointF(reach, reach), QSizeF(2 * reach, 2 * reach)), found);
  const GraphLayout& layout = geometry.layout;
  int nearest = -1;
  double best = reach;
  for (const int e : found) {
    for (int k = layout.edgeStart[at(e)] + 1; k < layout.edgeStart[at(e) + 1]; ++k) {
      const QPointF a = layout.points[at(k - 1)], b = layout.points[at(k)];
      QPointF from = a;
      for (int step = 1; step <= kCurveSteps; ++step) {
        const QPointF to = onCurve(a, b, static_cast<double>(step) / kCurveSteps);
        const double away = distanceTo(p, from, to);
        from = to;
        if (away >= best) continue;
        best = away;
        nearest = e;
      }
    }
  }
  return nearest;
}

QString GraphCanvas::Private::edgeToolTip(int edge) const {
  const VisibleEdge& visible = graph.edges[at(edge)];
  const EdgeLook& look = looks.edges[at(edge)];
  const auto nameOf = [&](int box) {
    const VisibleBox& b = graph.boxes[at(box)];
    return b.scope >= 0 ? scene.scopePath(b.scope) : scene.name(b.node);
  };
  QStringList lines{tr("%1 to %2").arg(nameOf(visible.from), nameOf(visible.to)),
                    formatBytes(static_cast<double>(visible.bytes))};
  if (look.transfer) {
    lines << tr("%1 copied to another device").arg(formatBytes(static_cast<double>(look.transferBytes)));
    lines << (look.transferMs >= 0
                  ? tr("about %1, estimated from the measured bandwidth").arg(formatMs(look.transferMs))
                  : tr("no estimate of the time: the device's bandwidth is not measured (Run > Measure devices)"));
  }
  return lines.join(QLatin1Char('\n'));
}

bool GraphCanvas::viewportEvent(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    const int node = nodeAt(help->pos()), scope = node < 0 ? scopeAt(help->pos()) : -1;
    const int edge = node < 0 && scope < 0 ? d->edgeAtView(help->pos()) : -1;
    const QString text = node >= 0    ? d->toolTipOf(node)
                         : scope >= 0 ? d->scopeToolTip(scope)
                         : edge >= 0  ? d->edgeToolTip(edge)
                                      : QString();
    if (text.isEmpty())
      QToolTip::hideText();
    else
      QToolTip::showText(help->globalPos(), text, viewport());
    return true;
  }
  if (event->type() == QEvent::Leave) d->hover({-1e6, -1e6});
  return QAbstractScrollArea::viewportEvent(event);
}

// A drop goes to the box under the pointer, or to the whole selection when that box is part of it.
QList<int> GraphCanvas::Private::dropTargets(QPointF pos) const {
  if (const int box = boxAtView(pos); box >= 0) return selectedInBox[at(box)] > 0 ? selection : nodesOfBox(box);
  if (const int frame = frameAtView(pos); frame >= 0) return scene.nodesInside(geometry.layout.frames[at(frame)].scope);
  return selection;
}

void GraphCanvas::dragEnterEvent(QDragEnterEvent* event) {
  if (d->ready && event->mimeData()->hasFormat(QLatin1String(kDeviceMimeType))) event->acceptProposedAction();
}

void GraphCanvas::dragMoveEvent(QDragMoveEvent* event) {
  d->dropNodes = d->dropTargets(event->position());
  viewport()->update();
  if (d->dropNodes.isEmpty())
    event->ignore();
  else
    event->acceptProposedAction();
}

void GraphCanvas::dragLeaveEvent(QDragLeaveEvent*) {
  d->dropNodes.clear();
  viewport()->update();
}

void GraphCanvas::dropEvent(QDropEvent* event) {
  const QList<int> nodes = d->ready ? d->dropTargets(event->position()) : QList<int>();
  d->dropNodes.clear();
  viewport()->update();
  const QByteArray id = event->mimeData()->data(QLatin1String(kDeviceMimeType));
  if (nodes.isEmpty() || id.isEmpty()) return;
  event->acceptProposedAction();
  emit deviceDropped(QString::fromUtf8(id), nodes);
}

} // namespace tandem::ui
