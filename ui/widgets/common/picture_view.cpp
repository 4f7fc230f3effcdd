// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/theme.hpp"
#include "ui/core/units.hpp"
#include "ui/widgets/common/common.hpp"

#include <QHash>
#include <QPainter>

#include <algorithm>

namespace tandem::ui {

namespace {

/// Above the box, below it or inside it, never outside the picture nor over another tag; a box that is smaller than
/// its tag does not hide other boxes either. Null where there is no such place: the list of results has it.
QRectF freePlace(const QRectF& frame, const QRectF& tagAbove, const QRectF& target, const QList<QRectF>& tags,
                 const QList<QRectF>& frames) {
  const auto hides = [](const QRectF& tag, const QList<QRectF>& others, const QRectF& own) {
    return std::any_of(others.begin(), others.end(),
                       [&](const QRectF& each) { return each != own && each.intersects(tag); });
  };
  const bool small = frame.width() < tagAbove.width();
  for (const double top : {tagAbove.top(), frame.bottom(), frame.top()}) {
    const QRectF tag(QPointF(tagAbove.left(), top), tagAbove.size());
    const bool inside = tag.top() >= target.top() && tag.bottom() <= target.bottom();
    if (inside && !hides(tag, tags, {}) && !(small && hides(tag, frames, frame))) return tag;
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
  const auto frameOf = [&](const PictureBox& box) {
    return QRectF(target.topLeft() + box.rect.topLeft() * scale, box.rect.size() * scale);
  };
  QList<QRectF> tags, frames;
  for (const PictureBox& box : m_boxes) frames.append(frameOf(box));
  for (const PictureBox& box : m_boxes) {
    const int index = colorOf.value(box.label, static_cast<int>(colorOf.size()));
    colorOf.insert(box.label, index);
    const QColor color = theme.category(index);
    const QRectF frame = frameOf(box);
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
    const QRectF above(QPointF(left, frame.top() - size.height()), size);
    const QRectF tag = freePlace(frame, above, target, tags, frames);
    if (tag.isNull()) continue;
    tags.append(tag);
    p.fillRect(tag, color);
    p.setPen(Theme::textOn(color));
    p.drawText(tag, Qt::AlignCenter, text);
  }
}

} // namespace tandem::ui
