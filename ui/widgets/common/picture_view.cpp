// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/theme.hpp"
#include "ui/core/units.hpp"
#include "ui/widgets/common/common.hpp"

#include <QHash>
#include <QPainter>

#include <algorithm>

namespace tandem::ui {

namespace {

/// Above the box, below it or inside it, never outside the picture; null where other tags are in the way.
QRectF freePlace(const QRectF& frame, const QSizeF& size, double left, const QRectF& target,
                 const QList<QRectF>& taken) {
  for (const double top : {frame.top() - size.height(), frame.bottom(), frame.top()}) {
    const QRectF tag(QPointF(left, top), size);
    const bool inside = tag.top() >= target.top() && tag.bottom() <= target.bottom();
    if (inside && std::none_of(taken.begin(), taken.end(), [&](const QRectF& each) { return each.intersects(tag); }))
      return tag;
  }
  return {};
}

} // namespace

PictureView::PictureView(QWidget* parent) : QWidget(parent), m_emptyText(tr("No picture")) {
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
  setMinimumSize(80, 60);
  setAccessibleName(tr("Picture"));
}

void PictureView::setPicture(const QImage& image, const QList<PictureBox>& boxes) {
  m_image = image;
  m_boxes = boxes;
  QStringList labels;
  for (const PictureBox& box : boxes) labels.append(box.label);
  setAccessibleDescription(image.isNull() ? m_emptyText : tr("Boxes: %1").arg(labels.join(QStringLiteral(", "))));
  updateGeometry();
  update();
}

void PictureView::setEmptyText(const QString& text) {
  m_emptyText = text;
  update();
}

QSize PictureView::sizeHint() const {
  return m_image.isNull() ? QSize(320, 240) : m_image.size().scaled(480, 360, Qt::KeepAspectRatio);
}

QRectF PictureView::pictureRect() const {
  if (m_image.isNull()) return {};
  const QSizeF size = QSizeF(m_image.size()).scaled(QSizeF(this->size()), Qt::KeepAspectRatio);
  return {QPointF((width() - size.width()) / 2, (height() - size.height()) / 2), size};
}

void PictureView::paintEvent(QPaintEvent*) {
  QPainter p(this);
  const Theme theme = Theme::of(palette());
  p.fillRect(rect(), theme.window);
  if (m_image.isNull()) {
    p.setPen(theme.mutedText);
    p.drawText(rect().adjusted(12, 12, -12, -12), Qt::AlignCenter | Qt::TextWordWrap, m_emptyText);
    return;
  }
  const QRectF target = pictureRect();
  p.setRenderHint(QPainter::SmoothPixmapTransform);
  p.drawImage(target, m_image);
  const double scale = target.width() / m_image.width();
  QHash<QString, int> colorOf; // one colour per label
  QFont small = font();
  small.setPointSizeF(std::max(7.0, small.pointSizeF() - 1));
  p.setFont(small);
  const QFontMetricsF metrics(small);
  p.setRenderHint(QPainter::Antialiasing);
  QList<QRectF> tags;
  for (const PictureBox& box : m_boxes) {
    const int index = colorOf.value(box.label, static_cast<int>(colorOf.size()));
    colorOf.insert(box.label, index);
    const QColor color = theme.category(index);
    const QRectF frame(target.topLeft() + box.rect.topLeft() * scale, box.rect.size() * scale);
    // A dark line under the coloured one keeps the box visible on any picture.
    p.setBrush(Qt::NoBrush);
    p.setPen(QPen(QColor(0, 0, 0, 160), 4));
    p.drawRect(frame);
    p.setPen(QPen(color, 2));
    p.drawRect(frame);
    QString text = box.label;
    if (box.score >= 0) text += QLatin1Char(' ') + formatPercent(box.score);
    if (text.isEmpty()) continue;
    const QSizeF size(metrics.horizontalAdvance(text) + 10, metrics.height() + 4);
    const double left =
        std::clamp(frame.left() - 1, target.left(), std::max(target.left(), target.right() - size.width()));
    const QRectF tag = freePlace(frame, size, left, target, tags);
    if (tag.isNull()) continue; // the list of results has it
    tags.append(tag);
    p.fillRect(tag, color);
    p.setPen(Theme::textOn(color));
    p.drawText(tag, Qt::AlignCenter, text);
  }
}

} // namespace tandem::ui
