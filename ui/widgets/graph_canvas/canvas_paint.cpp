// SPDX-License-Identifier: GPL-3.0-or-later
// The brush: a drag over boxes puts what they stand for on a device.
#include "ui/widgets/graph_canvas/graph_canvas_p.hpp"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

constexpr double kBrushRadius = 7; // pixels
constexpr int kCursorSize = 32;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// Whether the segment comes into the rectangle (Liang and Barsky, 1984).
bool crosses(const QRectF& rect, QPointF a, QPointF b) {
  double enter = 0, leave = 1;
  const auto clip = [&](double start, double delta, double low, double high) {
    if (delta == 0) return start >= low && start <= high;
    const double first = (low - start) / delta, second = (high - start) / delta;
    enter = std::max(enter, std::min(first, second));
    leave = std::min(leave, std::max(first, second));
    return enter <= leave;
  };
  return clip(a.x(), b.x() - a.x(), rect.left(), rect.right()) && clip(a.y(), b.y() - a.y(), rect.top(), rect.bottom());
}

QString badgeOf(const CanvasDevice& device) { return device.badge.isEmpty() ? deviceBadge(device.id) : device.badge; }

} // namespace

int GraphCanvas::Private::brush() const {
  const int count = static_cast<int>(devices.size());
  if (brushDevice >= 0 && brushDevice < count) return brushDevice;
  return count > 1 ? 1 : count - 1; // the first accelerator where there is one
}

bool GraphCanvas::isPainting() const { return d->painting || d->paintHeld; }
int GraphCanvas::brush() const { return d->brush(); }

void GraphCanvas::setPainting(bool on) {
  if (on == d->painting) return;
  d->painting = on;
  if (!on && !d->paintHeld && d->drag == Private::Drag::Paint) {
    d->drag = Private::Drag::None;
    d->cancelStroke();
  }
  d->restoreCursor();
  viewport()->update();
  emit paintingChanged(isPainting());
}

void GraphCanvas::setBrush(int device) {
  if (device < 0 || device >= d->devices.size() || device == d->brush()) return;
  d->brushDevice = device;
  d->restoreCursor();
  viewport()->update();
  emit brushChanged(device);
}

void GraphCanvas::Private::setHeld(bool held) {
  if (held == paintHeld) return;
  paintHeld = held;
  // Letting go ends the stroke as releasing the button does.
  if (!held && !painting && drag == Drag::Paint) {
    drag = Drag::None;
    finishStroke();
  }
  restoreCursor();
  q->viewport()->update();
  if (!painting) emit q->paintingChanged(held);
}

void GraphCanvas::Private::beginStroke(QPointF pos) {
  drag = Drag::Paint;
  strokeNodes.clear();
  strokeBox.assign(graph.boxes.size(), 0);
  strokeTo(pos);
}

// Everything between the last and this position: a fast hand makes few events.
void GraphCanvas::Private::strokeTo(QPointF pos) {
  const QPointF from = view.toScene(lastPos), to = view.toScene(pos);
  const double radius = kBrushRadius / view.zoom;
  std::vector<int> near;
  geometry.boxIndex.query(QRectF(from, to).normalized().adjusted(-radius, -radius, radius, radius), near);
  for (const int box : near) {
    if (strokeBox[at(box)] != 0) continue;
    if (!crosses(geometry.layout.boxes[at(box)].adjusted(-radius, -radius, radius, radius), from, to)) continue;
    strokeBox[at(box)] = 1;
    strokeNodes += nodesOfBox(box);
  }
  q->viewport()->update();
}

void GraphCanvas::Private::finishStroke() {
  QList<int> nodes = std::exchange(strokeNodes, {});
  strokeBox.clear();
  q->viewport()->update();
  std::sort(nodes.begin(), nodes.end());
  if (!nodes.isEmpty() && brush() >= 0) emit q->assignRequested(nodes, brush() + 1);
}

void GraphCanvas::Private::cancelStroke() {
  if (drag == Drag::Paint) drag = Drag::None;
  strokeNodes.clear();
  strokeBox.clear();
  q->viewport()->update();
}

// A brush with the colour and the letter of its device.
void GraphCanvas::Private::restoreCursor() {
  if (!paintsNow()) {
    q->viewport()->unsetCursor();
    return;
  }
  const double ratio = q->devicePixelRatioF();
  QPixmap picture(QSize(kCursorSize, kCursorSize) * ratio);
  picture.setDevicePixelRatio(ratio);
  picture.fill(Qt::transparent);
  QPainter p(&picture);
  p.setRenderHint(QPainter::Antialiasing, true);
  const DeviceStyle style = theme.device(brush());
  p.setPen(QPen(Qt::white, 3));
  p.drawLine(QPointF(1, 1), QPointF(8, 8));
  p.setPen(QPen(Qt::black, 1.4));
  p.drawLine(QPointF(1, 1), QPointF(8, 8));
  p.setPen(QPen(style.outline, 1.5));
  p.setBrush(style.fill);
  p.drawRoundedRect(QRectF(6, 6, 25, 20), 5, 5);
  QFont font = q->font();
  font.setPixelSize(12);
  font.setWeight(QFont::Bold);
  p.setFont(font);
  p.setPen(style.text);
  p.drawText(QRectF(6, 6, 25, 20), Qt::AlignCenter, badgeOf(devices[brush()]));
  p.end();
  q->viewport()->setCursor(QCursor(picture, 1, 1));
}

void GraphCanvas::Private::paintStroke(QPainter& p) {
  if (drag != Drag::Paint || brush() < 0) return;
  const DeviceStyle style = theme.device(brush());
  const QString badge = badgeOf(devices[brush()]);
  // The name stays readable; the block at the left is where the letter will be.
  QColor body = style.fill;
  body.setAlpha(120);
  QFont font = q->font();
  font.setPixelSize(std::clamp(static_cast<int>(13 * view.zoom), 9, 26));
  font.setWeight(QFont::Bold);
  p.setFont(font);
  for (std::size_t box = 0; box < strokeBox.size(); ++box) {
    if (strokeBox[box] == 0) continue;
    const QRectF rect = view.toView(geometry.layout.boxes[box]);
    p.setPen(QPen(style.outline, 2));
    p.setBrush(body);
    p.drawRoundedRect(rect, 4, 4);
    const QRectF block(rect.left(), rect.top(), std::min(kBadgeWidth * view.zoom, rect.width()), rect.height());
    p.fillRect(block, style.fill);
    if (rect.height() < 12) continue;
    p.setPen(style.text);
    p.drawText(block, Qt::AlignCenter, badge);
  }
}

} // namespace tandem::ui
