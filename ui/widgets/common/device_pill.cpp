// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/theme.hpp"
#include "ui/widgets/common/common.hpp"

#include <QIcon>
#include <QPainter>

namespace tandem::ui {
namespace {

constexpr int kBadgePadding = 6;
constexpr int kLabelGap = 6;

QFont badgeFont(QFont font) {
  font.setWeight(QFont::Bold);
  return font;
}

} // namespace

void paintDeviceBadge(QPainter& painter, const QRectF& rect, int deviceIndex, const QString& badge,
                      const QPalette& palette) {
  const DeviceStyle style = Theme::of(palette).device(deviceIndex);
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(style.outline, 1));
  painter.setBrush(style.fill);
  const QRectF box = rect.adjusted(0.5, 0.5, -0.5, -0.5);
  painter.drawRoundedRect(box, 3, 3);
  if (style.hatch != Qt::NoBrush) {
    QColor ink = style.text;
    ink.setAlpha(60);
    painter.fillRect(box.adjusted(1.5, 1.5, -1.5, -1.5), QBrush(ink, style.hatch));
  }
  painter.setPen(style.text);
  painter.drawText(rect, Qt::AlignCenter, badge);
  painter.restore();
}

QIcon deviceIcon(int deviceIndex, const QString& deviceId, const QPalette& palette) {
  QIcon icon;
  for (const int ratio : {1, 2}) {
    QPixmap pixmap(22 * ratio, 16 * ratio);
    pixmap.setDevicePixelRatio(ratio);
    pixmap.fill(Qt::transparent);
    QPainter p(&pixmap);
    QFont font;
    font.setPixelSize(11);
    p.setFont(badgeFont(font));
    paintDeviceBadge(p, QRectF(0, 0, 22, 16), deviceIndex, deviceBadge(deviceId), palette);
    p.end();
    icon.addPixmap(pixmap);
  }
  return icon;
}

DevicePill::DevicePill(QWidget* parent) : QWidget(parent) { setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed); }

void DevicePill::setDevice(int deviceIndex, const QString& deviceId, const QString& label) {
  m_index = deviceIndex;
  m_badge = deviceBadge(deviceId);
  m_label = label;
  setAccessibleName(label.isEmpty() ? deviceId : label);
  setToolTip(label.isEmpty() ? deviceId : QStringLiteral("%1 (%2)").arg(label, deviceId));
  updateGeometry();
  update();
}

QSize DevicePill::sizeHint() const {
  const QFontMetrics badge(badgeFont(font()));
  const int width = badge.horizontalAdvance(m_badge) + 2 * kBadgePadding;
  const int label = m_label.isEmpty() ? 0 : fontMetrics().horizontalAdvance(m_label) + kLabelGap + 2;
  return {width + label, fontMetrics().height() + 4};
}

QSize DevicePill::minimumSizeHint() const {
  const QFontMetrics badge(badgeFont(font()));
  return {badge.horizontalAdvance(m_badge) + 2 * kBadgePadding, fontMetrics().height() + 4};
}

void DevicePill::paintEvent(QPaintEvent*) {
  QPainter p(this);
  const QSize badge = minimumSizeHint();
  const QRect box(0, (height() - badge.height()) / 2, badge.width(), badge.height());
  p.setFont(badgeFont(font()));
  paintDeviceBadge(p, box, m_index, m_badge, palette());
  if (m_label.isEmpty()) return;
  p.setFont(font());
  p.setPen(palette().color(QPalette::WindowText));
  const QRect text = rect().adjusted(box.right() + 1 + kLabelGap, 0, 0, 0);
  p.drawText(text, Qt::AlignLeft | Qt::AlignVCenter, fontMetrics().elidedText(m_label, Qt::ElideRight, text.width()));
}

} // namespace tandem::ui
