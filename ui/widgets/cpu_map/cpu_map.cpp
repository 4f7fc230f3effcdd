// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/cpu_map/cpu_map.hpp"

#include "ui/widgets/cpu_map/cpu_map_painter.hpp"

#include <QAccessible>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace tandem::ui {

CpuMap::CpuMap(QWidget* parent) : QWidget(parent) {
  setObjectName(QStringLiteral("cpu_map"));
  setAccessibleName(tr("Map of the processor"));
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Minimum);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
}

void CpuMap::setModel(const CpuMapModel& model) {
  m_model = model;
  m_focused = std::clamp(m_focused, 0, std::max(0, static_cast<int>(model.processors.size()) - 1));
  m_hovered = -1;
  layOut();
  updateGeometry();
  describeAll();
}

void CpuMap::setReadOnly(bool readOnly) {
  m_readOnly = readOnly;
  if (readOnly) m_painting = false;
  update();
}

void CpuMap::layOut() {
  m_layout = layoutCpuMap(m_model, width(), fontMetrics().height());
  update();
}

QRectF CpuMap::rectOf(int index) const {
  for (const CpuMapCell& cell : m_layout.cells)
    if (m_model.processors[cell.processor].index == index) return cell.rect;
  return {};
}

QString CpuMap::describe(const CpuMapProcessor& processor) const {
  QStringList place{tr("core %1").arg(processor.core)};
  if (processor.kind == CpuMapKind::Performance) place.last() += tr(" (performance)");
  if (processor.kind == CpuMapKind::Efficiency) place.last() += tr(" (efficiency)");
  if (processor.cache >= 0) place << tr("L3 cache %1").arg(processor.cache);
  place << tr("NUMA node %1").arg(processor.numaNode) << tr("package %1").arg(processor.package);
  QStringList siblings;
  for (const CpuMapProcessor& other : m_model.processors)
    if (other.core == processor.core && other.index != processor.index) siblings << QString::number(other.index);
  if (!siblings.isEmpty()) place << tr("SMT sibling of %1").arg(siblings.join(QStringLiteral(", ")));
  QString owner = tr("In no core set");
  if (!processor.available)
    owner = tr("Not available to this program");
  else if (processor.owner >= 0 && processor.owner < m_model.owners.size())
    owner = m_model.owners[processor.owner].text;
  return tr("Processor %1: %2\n%3").arg(QString::number(processor.index), place.join(QStringLiteral(", ")), owner);
}

/// What a screen reader says: the focused processor, then how many each set has.
void CpuMap::describeAll() {
  QStringList parts;
  if (m_focused < m_layout.cells.size())
    parts << describe(m_model.processors[m_layout.cells[m_focused].processor])
                 .replace(QLatin1Char('\n'), QStringLiteral(". "));
  for (qsizetype i = 0; i < m_model.owners.size(); ++i) {
    QStringList numbers;
    for (const CpuMapProcessor& processor : m_model.processors)
      if (processor.available && processor.owner == i) numbers << QString::number(processor.index);
    parts << tr("%1 has processors %2").arg(m_model.owners[i].id, numbers.join(QStringLiteral(", ")));
  }
  const QString text = parts.join(QStringLiteral(". "));
  if (text == accessibleDescription()) return;
  setAccessibleDescription(text);
  QAccessibleEvent changed(this, QAccessible::DescriptionChanged);
  QAccessible::updateAccessibility(&changed);
}

int CpuMap::heightForWidth(int width) const {
  return static_cast<int>(std::ceil(layoutCpuMap(m_model, width, fontMetrics().height()).size.height()));
}

QSize CpuMap::sizeHint() const {
  const int width = fontMetrics().height() * 14;
  return {width, heightForWidth(width)};
}

QSize CpuMap::minimumSizeHint() const { return {fontMetrics().height() * 8, fontMetrics().height()}; }

void CpuMap::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  CpuMapMarks marks;
  marks.hovered = m_readOnly ? -1 : m_hovered;
  marks.focused = hasFocus() && !m_pointed ? m_focused : -1;
  marks.muted = m_readOnly;
  paintCpuMap(painter, m_model, m_layout, marks, palette());
}

void CpuMap::resizeEvent(QResizeEvent* event) {
  layOut();
  QWidget::resizeEvent(event);
}

void CpuMap::changeEvent(QEvent* event) {
  if (event->type() == QEvent::FontChange) {
    layOut();
    updateGeometry();
  }
  QWidget::changeEvent(event);
}

void CpuMap::assign(int cell, int owner) {
  if (m_readOnly || cell < 0 || cell >= m_layout.cells.size()) return;
  const CpuMapProcessor& processor = m_model.processors[m_layout.cells[cell].processor];
  if (!processor.available || processor.owner == owner || owner >= m_model.owners.size()) return;
  emit assigned(processor.index, owner);
}

void CpuMap::mousePressEvent(QMouseEvent* event) {
  const int cell = cellAt(m_layout, event->position());
  if (event->button() != Qt::LeftButton || m_readOnly || cell < 0) return QWidget::mousePressEvent(event);
  const CpuMapProcessor& processor = m_model.processors[m_layout.cells[cell].processor];
  if (!processor.available) return;
  m_pointed = true;
  m_focused = cell;
  m_painting = true;
  m_last = event->position();
  m_stroke = processor.owner == m_brush ? -1 : m_brush;
  assign(cell, m_stroke);
  update();
}

void CpuMap::mouseMoveEvent(QMouseEvent* event) {
  const int cell = cellAt(m_layout, event->position());
  if (cell != m_hovered) {
    m_hovered = cell;
    update();
  }
  if (!m_painting) return;
  for (int touched : cellsAlong(m_layout, m_last, event->position())) assign(touched, m_stroke);
  m_last = event->position();
}

void CpuMap::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) m_painting = false;
  QWidget::mouseReleaseEvent(event);
}

void CpuMap::leaveEvent(QEvent* event) {
  m_hovered = -1;
  update();
  QWidget::leaveEvent(event);
}

void CpuMap::setFocused(int cell) {
  m_pointed = false;
  m_focused = std::clamp(cell, 0, std::max(0, static_cast<int>(m_layout.cells.size()) - 1));
  describeAll();
  update();
}

void CpuMap::keyPressEvent(QKeyEvent* event) {
  if (m_layout.cells.isEmpty()) return QWidget::keyPressEvent(event);
  const CpuMapProcessor& processor = m_model.processors[m_layout.cells[m_focused].processor];
  const auto step = [&](QPoint direction) {
    const int owner = processor.owner;
    setFocused(neighbourOf(m_layout, m_focused, direction));
    if (event->modifiers() & Qt::ShiftModifier) assign(m_focused, owner);
  };
  switch (event->key()) {
  case Qt::Key_Left: return step({-1, 0});
  case Qt::Key_Right: return step({1, 0});
  case Qt::Key_Up: return step({0, -1});
  case Qt::Key_Down: return step({0, 1});
  case Qt::Key_Home: return setFocused(0);
  case Qt::Key_End: return setFocused(static_cast<int>(m_layout.cells.size()) - 1);
  case Qt::Key_Space: return assign(m_focused, processor.owner == m_brush ? -1 : m_brush);
  case Qt::Key_Delete:
  case Qt::Key_Backspace: return assign(m_focused, -1);
  default: break;
  }
  if (event->key() >= Qt::Key_1 && event->key() <= Qt::Key_9 && event->modifiers() == Qt::NoModifier)
    return assign(m_focused, event->key() - Qt::Key_1);
  QWidget::keyPressEvent(event);
}

void CpuMap::focusInEvent(QFocusEvent* event) {
  m_pointed = event->reason() == Qt::MouseFocusReason;
  describeAll();
  update();
  QWidget::focusInEvent(event);
}

void CpuMap::focusOutEvent(QFocusEvent* event) {
  update();
  QWidget::focusOutEvent(event);
}

bool CpuMap::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    const int cell = cellAt(m_layout, help->pos());
    if (cell < 0)
      QToolTip::showText(help->globalPos(), toolTip(), this); // of the whole; an empty one hides
    else
      QToolTip::showText(help->globalPos(), describe(m_model.processors[m_layout.cells[cell].processor]), this,
                         m_layout.cells[cell].rect.toAlignedRect());
    return true;
  }
  return QWidget::event(event);
}

} // namespace tandem::ui
