// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/chart_legend.hpp"

#include "ui/widgets/common/flow.hpp"

#include <QEvent>
#include <QIcon>
#include <QPainter>
#include <QToolButton>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr int kSign = 14; // width of the line's sign

// A square of the colour, or a piece of the line where it is not solid.
QIcon sign(const QColor& color, Qt::PenStyle line, const QColor& off, bool on) {
  constexpr int kRatio = 2; // for high-density screens
  QPixmap pixmap(kSign * kRatio, 12 * kRatio);
  pixmap.setDevicePixelRatio(kRatio);
  pixmap.fill(Qt::transparent);
  QPainter p(&pixmap);
  if (line != Qt::SolidLine) {
    p.setPen(QPen(on ? color : off, 2, line, Qt::FlatCap));
    p.drawLine(QPointF(0, 6), QPointF(kSign, 6));
    return pixmap;
  }
  p.setRenderHint(QPainter::Antialiasing);
  p.setPen(QPen(on ? color : off, 1.5));
  p.setBrush(on ? QBrush(color) : QBrush(Qt::NoBrush));
  p.drawRoundedRect(QRectF(2.5, 1.5, 9, 9), 2, 2);
  return pixmap;
}

// Flat, because four pressed buttons would outweigh the chart.
class Entry : public QToolButton {
 public:
  using QToolButton::QToolButton;
  [[nodiscard]] QSize sizeHint() const override {
    // Advances are rounded, eliding compares fractions: one pixel keeps a text that fits from being cut.
    return {fontMetrics().horizontalAdvance(text()) + 1 + kBefore + kAfter, fontMetrics().height() + 2};
  }
  [[nodiscard]] QSize minimumSizeHint() const override { return sizeHint(); }

 protected:
  void paintEvent(QPaintEvent*) override {
    QPainter p(this);
    const QPalette::ColorGroup group = isChecked() ? QPalette::Active : QPalette::Disabled;
    if (underMouse() || hasFocus()) {
      p.setRenderHint(QPainter::Antialiasing);
      p.setPen(hasFocus() ? QPen(palette().color(QPalette::Highlight)) : QPen(Qt::NoPen));
      p.setBrush(palette().color(QPalette::AlternateBase));
      p.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3);
    }
    icon().paint(&p, QRect(4, (height() - 12) / 2, kSign, 12));
    p.setPen(palette().color(group, QPalette::WindowText));
    const QRect place = rect().adjusted(kBefore, 0, -kAfter, 0);
    p.drawText(place, Qt::AlignLeft | Qt::AlignVCenter,
               fontMetrics().elidedText(text(), Qt::ElideRight, place.width()));
  }

 private:
  static constexpr int kBefore = 4 + kSign + 4, kAfter = 3;
};

} // namespace

ChartLegend::ChartLegend(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  arrange();
}

QToolButton* ChartLegend::add(const QString& name, const QString& accessible) {
  auto* entry = new Entry(this);
  const int index = static_cast<int>(m_entries.size());
  entry->setText(name);
  entry->setCheckable(true);
  entry->setChecked(true);
  connect(entry, &QToolButton::toggled, this, [this, index](bool on) { emit toggled(index, on); });
  m_entries.append(entry);
  describe(index, name, accessible);
  entry->show();
  arrange();
  return entry;
}

void ChartLegend::describe(int entry, const QString& description, const QString& accessible) {
  m_entries[entry]->setToolTip(tr("%1 (click to show or hide)").arg(description));
  m_entries[entry]->setAccessibleName(accessible);
}

void ChartLegend::setLook(int entry, const QColor& color, Qt::PenStyle line, bool visible) {
  m_entries[entry]->setIcon(sign(color, line, palette().color(QPalette::Mid), visible));
  m_entries[entry]->update();
}

void ChartLegend::setChecked(int entry, bool checked) { m_entries[entry]->setChecked(checked); }

void ChartLegend::clear() {
  qDeleteAll(m_entries);
  m_entries.clear();
  arrange();
}

void ChartLegend::arrange() {
  QList<QSize> sizes;
  for (const QToolButton* entry : m_entries) sizes.append(entry->sizeHint());
  const QList<QRect> places = flow(sizes, width(), {2, 0});
  for (qsizetype i = 0; i < places.size(); ++i) m_entries[i]->setGeometry(places[i]);
  // An empty legend keeps its row: the plot does not jump when the first line appears.
  const int wanted = places.isEmpty() ? fontMetrics().height() + 2 : places.back().y() + places.back().height();
  if (wanted == minimumHeight() && wanted == maximumHeight()) return;
  setFixedHeight(wanted);
  emit heightChanged();
}

void ChartLegend::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  arrange();
}

void ChartLegend::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::FontChange) arrange();
}

} // namespace tandem::ui
