// SPDX-License-Identifier: GPL-3.0-or-later
// Keys, mouse and menus of the timeline.
#include "ui/widgets/timeline/timeline_view.hpp"

#include <QApplication>
#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QLocale>
#include <QMenu>
#include <QMouseEvent>
#include <QScrollBar>
#include <QToolTip>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

constexpr double kKeyZoom = 1.5;
constexpr double kKeyPan = 0.15; ///< of the width
constexpr double kWheelZoom = 1.0 / 240;
constexpr double kGrip = 4; ///< pixels beside the edge of the name column that move it

} // namespace

QPointF TimelineView::inTracks(const QPointF& point) const { return point - QPointF(m_nameWidth, m_rulerHeight); }

bool TimelineView::event(QEvent* event) {
  // Letters without modifiers are for the timeline while it has the focus, whatever menus use them for.
  if (event->type() == QEvent::ShortcutOverride) {
    auto* key = static_cast<QKeyEvent*>(event);
    const bool plain = !(key->modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier));
    static const QList<int> ours = {Qt::Key_W,           Qt::Key_S,
                                    Qt::Key_A,           Qt::Key_D,
                                    Qt::Key_F,           Qt::Key_M,
                                    Qt::Key_P,           Qt::Key_Q,
                                    Qt::Key_R,           Qt::Key_Period,
                                    Qt::Key_Comma,       Qt::Key_Slash,
                                    Qt::Key_BracketLeft, Qt::Key_BracketRight,
                                    Qt::Key_Space,       Qt::Key_Escape,
                                    Qt::Key_Home,        Qt::Key_End,
                                    Qt::Key_Backspace,   Qt::Key_Return,
                                    Qt::Key_Enter};
    if (plain && ours.contains(key->key())) {
      event->accept();
      return true;
    }
  }
  return QAbstractScrollArea::event(event);
}

void TimelineView::keyPressEvent(QKeyEvent* event) {
  if (m_model != nullptr && handleKey(event)) {
    event->accept();
    return;
  }
  QAbstractScrollArea::keyPressEvent(event);
}

bool TimelineView::handleKey(QKeyEvent* event) {
  const Qt::KeyboardModifiers modifiers = event->modifiers() & ~Qt::KeypadModifier;
  if (modifiers == Qt::ControlModifier && event->key() == Qt::Key_A) {
    const double width = tracksWidth();
    TimelineArea area;
    area.startNs = static_cast<std::int64_t>(std::max(0.0, m_window.startNs));
    area.endNs = static_cast<std::int64_t>(std::min(traceNs(), m_window.endNs(width)));
    for (const TimelineRow& row : m_layout.rows) area.tracks.push_back(row.track);
    std::sort(area.tracks.begin(), area.tracks.end());
    selectArea(area);
    return true;
  }
  if (modifiers & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier)) return false;
  if (handleNavigation(event->key(), modifiers)) return true;
  switch (event->key()) {
  case Qt::Key_Period: stepSlice(1); return true;
  case Qt::Key_Comma: stepSlice(-1); return true;
  case Qt::Key_M: toggleMark(); return true;
  case Qt::Key_BracketLeft: stepMark(-1); return true;
  case Qt::Key_BracketRight: stepMark(1); return true;
  case Qt::Key_Slash: emit searchRequested(); return true;
  case Qt::Key_Escape: clearStep(); return true;
  case Qt::Key_Q: emit detailsToggled(); return true;
  case Qt::Key_R:
    if (m_model->contains(m_selected)) {
      const TimelineSlice& slice = m_model->slice(m_selected);
      selectArea(TimelineArea{slice.startNs, std::max(slice.endNs, slice.startNs + 1), {m_selected.track}});
    }
    return true;
  case Qt::Key_P:
    if (m_currentTrack >= 0) setPinned(m_currentTrack, !m_looks[static_cast<std::size_t>(m_currentTrack)].pinned);
    return true;
  case Qt::Key_Return:
  case Qt::Key_Enter:
    if (m_currentTrack >= 0) setCollapsed(m_currentTrack, !m_looks[static_cast<std::size_t>(m_currentTrack)].collapsed);
    return true;
  default: return false;
  }
}

bool TimelineView::handleNavigation(int key, Qt::KeyboardModifiers modifiers) {
  const double width = tracksWidth();
  const bool shift = modifiers & Qt::ShiftModifier;
  // The keys zoom where the pointer is, as in Perfetto, and in the middle where it is elsewhere.
  const QPointF pointer = inTracks(viewport()->mapFromGlobal(QCursor::pos()));
  const double at = viewport()->underMouse() && pointer.x() >= 0 && pointer.x() < width ? pointer.x() : width / 2;
  switch (key) {
  case Qt::Key_W: moveTo(m_window.zoomed(shift ? kKeyZoom * kKeyZoom : kKeyZoom, at, width, traceNs()), false); break;
  case Qt::Key_S:
    moveTo(m_window.zoomed(1 / (shift ? kKeyZoom * kKeyZoom : kKeyZoom), at, width, traceNs()), false);
    break;
  case Qt::Key_A: moveTo(m_window.panned(-width * kKeyPan * (shift ? 3 : 1), width, traceNs()), false); break;
  case Qt::Key_D: moveTo(m_window.panned(width * kKeyPan * (shift ? 3 : 1), width, traceNs()), false); break;
  case Qt::Key_F: focusSelection(); break;
  case Qt::Key_Space: fitAll(); break;
  case Qt::Key_Home: moveTo({-m_window.nsPerPixel * width * 0.02, m_window.nsPerPixel}, true); break;
  case Qt::Key_End: moveTo({traceNs() - m_window.nsPerPixel * width * 0.98, m_window.nsPerPixel}, true); break;
  case Qt::Key_Backspace:
    if (!m_history.empty()) {
      const TimeWindow before = m_history.back();
      m_history.pop_back();
      moveTo(before, false);
    }
    break;
  case Qt::Key_Left: shift ? growArea(-1) : stepSlice(-1); break;
  case Qt::Key_Right: shift ? growArea(1) : stepSlice(1); break;
  case Qt::Key_Up: stepTrack(-1); break;
  case Qt::Key_Down: stepTrack(1); break;
  default: return false;
  }
  return true;
}

// One thing at a time: what is being drawn, the search, the area, the slice, the marks.
void TimelineView::clearStep() {
  if (m_drag != Drag::None)
    cancelDrag();
  else if (!m_found.isEmpty()) {
    search({});
    emit searchCleared();
  } else if (m_area)
    selectArea(std::nullopt);
  else if (m_selected.valid())
    select({});
  else {
    m_marks.clear();
    viewport()->update();
  }
}

void TimelineView::toggleMark() {
  const double width = tracksWidth();
  double at = m_window.nsAt(width / 2);
  if (m_model->contains(m_selected))
    at = static_cast<double>(m_model->slice(m_selected).startNs);
  else if (m_area)
    at = static_cast<double>(m_area->startNs);
  else if (const QPointF pointer = inTracks(viewport()->mapFromGlobal(QCursor::pos()));
           viewport()->underMouse() && pointer.x() >= 0 && pointer.x() < width)
    at = m_window.nsAt(pointer.x());
  const auto mark = static_cast<std::int64_t>(std::clamp(at, 0.0, traceNs()));
  // A mark within reach of the eye is the one that is meant.
  const auto slack = static_cast<std::int64_t>(std::ceil(2 * m_window.nsPerPixel));
  const auto place = std::lower_bound(m_marks.begin(), m_marks.end(), mark - slack);
  if (place != m_marks.end() && *place <= mark + slack)
    m_marks.erase(place);
  else
    m_marks.insert(place, mark);
  viewport()->update();
}

void TimelineView::stepMark(int step) {
  const double width = tracksWidth(), middle = m_window.nsAt(width / 2), slack = m_window.nsPerPixel;
  std::optional<double> next;
  for (const std::int64_t mark : m_marks) {
    const auto at = static_cast<double>(mark);
    if (step > 0 ? at > middle + slack : at < middle - slack)
      if (!next || (step > 0 ? at < *next : at > *next)) next = at;
  }
  if (next) moveTo({*next - m_window.nsPerPixel * width / 2, m_window.nsPerPixel}, true);
}

void TimelineView::stepSlice(int step) {
  if (m_model->contains(m_selected)) {
    if (const SliceRef next = m_model->neighbour(m_selected, step); next.valid()) select(next);
  } else if (m_currentTrack >= 0) {
    select(m_model->nearest(m_currentTrack, static_cast<std::int64_t>(m_window.nsAt(tracksWidth() / 2))));
  }
}

void TimelineView::stepTrack(int step) {
  const auto& rows = m_layout.rows;
  if (rows.empty()) return;
  const auto current =
      std::find_if(rows.begin(), rows.end(), [&](const TimelineRow& row) { return row.track == m_currentTrack; });
  auto index = current != rows.end() ? current - rows.begin() + step
                                     : (step > 0 ? 0 : static_cast<std::ptrdiff_t>(rows.size()) - 1);
  index = std::clamp<std::ptrdiff_t>(index, 0, static_cast<std::ptrdiff_t>(rows.size()) - 1);
  m_currentTrack = rows[static_cast<std::size_t>(index)].track;
  // With a slice selected, that of the other track at the same time.
  if (m_model->contains(m_selected) && m_selected.track != m_currentTrack)
    if (const SliceRef near = m_model->nearest(m_currentTrack, m_model->slice(m_selected).startNs); near.valid())
      select(near);
  revealTrack(m_currentTrack);
  viewport()->update();
}

void TimelineView::growArea(int step) {
  const double by = tracksWidth() * 0.02 * m_window.nsPerPixel * step;
  TimelineArea area;
  if (m_area) {
    area = *m_area;
  } else {
    if (m_currentTrack < 0) return;
    const double at = m_model->contains(m_selected) ? static_cast<double>(m_model->slice(m_selected).startNs)
                                                    : m_window.nsAt(tracksWidth() / 2);
    area.startNs = area.endNs = static_cast<std::int64_t>(std::clamp(at, 0.0, traceNs()));
    area.tracks = {m_currentTrack};
  }
  area.endNs = static_cast<std::int64_t>(std::clamp(static_cast<double>(area.endNs) + by, 0.0, traceNs()));
  selectArea(area);
}

void TimelineView::wheelEvent(QWheelEvent* event) {
  if (m_model == nullptr) return;
  const QPoint turned = event->angleDelta();
  const double width = tracksWidth();
  const QPointF at = inTracks(event->position());
  if (event->modifiers() & Qt::ControlModifier) {
    const double steps = turned.y() != 0 ? turned.y() : turned.x();
    // Shift makes the wheel faster.
    const double speed = event->modifiers() & Qt::ShiftModifier ? 3 : 1;
    moveTo(m_window.zoomed(std::exp(steps * kWheelZoom * speed), std::clamp(at.x(), 0.0, width), width, traceNs()),
           false);
  } else if (event->modifiers() & Qt::ShiftModifier || std::abs(turned.x()) > std::abs(turned.y())) {
    const int steps = std::abs(turned.x()) > std::abs(turned.y()) ? turned.x() : turned.y();
    moveTo(m_window.panned(-steps * width / 1200, width, traceNs()), false);
  } else {
    verticalScrollBar()->setValue(verticalScrollBar()->value() - static_cast<int>(turned.y() * m_laneHeight / 60));
  }
  event->accept();
}

void TimelineView::mousePressEvent(QMouseEvent* event) {
  if (m_model == nullptr) return;
  m_pressed = m_last = event->position();
  m_windowBefore = m_window;
  m_areaBefore = m_area;
  m_nameBefore = m_nameWidth;
  const QPointF at = inTracks(event->position());
  if (event->button() == Qt::LeftButton && std::fabs(at.x()) <= kGrip) {
    m_drag = Drag::Names;
  } else if (event->button() == Qt::LeftButton && at.x() < 0) {
    const TimelineRow* row = m_layout.rowAt(at.y(), verticalScrollBar()->value());
    if (row == nullptr || at.y() < 0) return;
    m_currentTrack = row->track;
    if (event->position().x() < fontMetrics().averageCharWidth() * 3)
      setCollapsed(row->track, !m_looks[static_cast<std::size_t>(row->track)].collapsed);
    viewport()->update();
  } else if (event->button() == Qt::LeftButton) {
    m_drag = event->modifiers() & Qt::ShiftModifier ? Drag::Pan : Drag::Maybe;
    if (m_drag == Drag::Pan) viewport()->setCursor(Qt::ClosedHandCursor);
  } else if (event->button() == Qt::MiddleButton) {
    m_drag = Drag::Zoom;
  }
}

std::vector<int> TimelineView::tracksBetween(double y0, double y1) const {
  std::vector<int> tracks;
  for (const TimelineRow& row : m_layout.rows) {
    const double top = m_layout.topOf(row, verticalScrollBar()->value());
    if (top < std::max(y0, y1) && top + row.height > std::min(y0, y1)) tracks.push_back(row.track);
  }
  std::sort(tracks.begin(), tracks.end());
  return tracks;
}

void TimelineView::drawArea(const QPointF& to) {
  const QPointF a = inTracks(m_pressed), b = inTracks(to);
  TimelineArea area;
  const double from = m_windowBefore.nsAt(a.x()), until = m_window.nsAt(std::clamp(b.x(), 0.0, tracksWidth()));
  area.startNs = static_cast<std::int64_t>(std::clamp(std::min(from, until), 0.0, traceNs()));
  area.endNs = static_cast<std::int64_t>(std::clamp(std::max(from, until), 0.0, traceNs()));
  // From the ruler: all tracks.
  area.tracks = a.y() < 0 ? tracksBetween(-1e9, 1e9) : tracksBetween(a.y(), b.y());
  m_area = area;
  viewport()->update();
}

void TimelineView::mouseMoveEvent(QMouseEvent* event) {
  if (m_model == nullptr) return;
  const QPointF at = inTracks(event->position());
  const QPointF moved = event->position() - m_last;
  m_last = event->position();
  switch (m_drag) {
  case Drag::None:
    if (std::fabs(at.x()) <= kGrip)
      viewport()->setCursor(Qt::SplitHCursor);
    else
      viewport()->unsetCursor();
    setHovered(at.x() >= 0 && at.y() >= 0 ? sliceAt(*m_model, m_layout, m_window, at, verticalScrollBar()->value())
                                          : SliceRef());
    break;
  case Drag::Maybe:
    if ((event->position() - m_pressed).manhattanLength() < QApplication::startDragDistance()) break;
    m_drag = Drag::Area;
    [[fallthrough]];
  case Drag::Area: drawArea(event->position()); break;
  case Drag::Pan:
    moveTo(m_window.panned(-moved.x(), tracksWidth(), traceNs()), false);
    verticalScrollBar()->setValue(verticalScrollBar()->value() - static_cast<int>(moved.y()));
    break;
  case Drag::Zoom: viewport()->update(); break;
  case Drag::Names: {
    const double em = fontMetrics().averageCharWidth();
    m_nameWidth = std::clamp(event->position().x(), em * 8, std::max(em * 8, viewport()->width() - em * 20));
    m_window = m_window.clamped(tracksWidth(), traceNs());
    relayout();
    break;
  }
  }
}

void TimelineView::mouseReleaseEvent(QMouseEvent* event) {
  if (m_model == nullptr) return;
  const Drag drag = m_drag;
  m_drag = Drag::None;
  viewport()->unsetCursor();
  if (drag == Drag::Maybe) {
    const QPointF at = inTracks(event->position());
    const bool onRuler = at.y() < 0;
    if (m_area) selectArea(std::nullopt);
    select(onRuler ? SliceRef() : sliceAt(*m_model, m_layout, m_window, at, verticalScrollBar()->value()), false);
    if (const TimelineRow* row = onRuler ? nullptr : m_layout.rowAt(at.y(), verticalScrollBar()->value()))
      m_currentTrack = row->track;
  } else if (drag == Drag::Area) {
    // Announced once, at the end: what it sums up may be a million slices.
    const std::optional<TimelineArea> drawn = m_area;
    m_area = m_areaBefore;
    selectArea(drawn);
  } else if (drag == Drag::Zoom) {
    const double a = inTracks(m_pressed).x(), b = std::clamp(inTracks(event->position()).x(), 0.0, tracksWidth());
    if (std::fabs(b - a) >= QApplication::startDragDistance())
      moveTo(TimeWindow::fitting(m_window.nsAt(std::min(a, b)), m_window.nsAt(std::max(a, b)), tracksWidth(), 0), true);
  }
  viewport()->update();
}

void TimelineView::cancelDrag() {
  const Drag drag = m_drag;
  m_drag = Drag::None;
  viewport()->unsetCursor();
  if (drag == Drag::Area) m_area = m_areaBefore;
  if (drag == Drag::Names) m_nameWidth = m_nameBefore;
  if (drag == Drag::Pan) moveTo(m_windowBefore, false);
  viewport()->update();
}

void TimelineView::mouseDoubleClickEvent(QMouseEvent* event) {
  mousePressEvent(event);
  if (event->button() == Qt::LeftButton && inTracks(event->position()).x() >= 0 && m_selected.valid()) focusSelection();
}

void TimelineView::setHovered(const SliceRef& ref) {
  if (ref == m_hovered) return;
  m_hovered = ref;
  viewport()->update();
  emit hoverChanged(ref);
}

bool TimelineView::viewportEvent(QEvent* event) {
  if (event->type() == QEvent::Leave) setHovered({});
  if (event->type() == QEvent::ToolTip && m_model != nullptr) {
    auto* help = static_cast<QHelpEvent*>(event);
    const QPointF at = inTracks(help->pos());
    const TimelineRow* row = at.y() >= 0 ? m_layout.rowAt(at.y(), verticalScrollBar()->value()) : nullptr;
    QString text;
    if (at.x() >= 0 && m_model->contains(m_hovered)) {
      text = toolTipOf(m_hovered);
    } else if (row != nullptr) {
      const TimelineTrack& track = m_model->tracks()[static_cast<std::size_t>(row->track)];
      text = (track.toolTip.isEmpty() ? track.name : track.toolTip) + QStringLiteral("\n") +
             tr("%n slice(s)", nullptr, static_cast<int>(track.count));
      if (track.dropped > 0)
        text += QStringLiteral("\n") + tr("%1 older events were dropped: the recorder had no room for them")
                                           .arg(QLocale().toString(static_cast<qulonglong>(track.dropped)));
      if (track.crowded > 0)
        text += QStringLiteral("\n") + tr("%1 share the last lane: too many at once")
                                           .arg(QLocale().toString(static_cast<qulonglong>(track.crowded)));
    }
    // Names come from model files: text, never markup.
    if (text.isEmpty())
      QToolTip::hideText();
    else
      QToolTip::showText(help->globalPos(),
                         QStringLiteral("<p style='white-space:pre-wrap'>%1</p>").arg(text.toHtmlEscaped()),
                         viewport());
    return true;
  }
  return QAbstractScrollArea::viewportEvent(event);
}

void TimelineView::makeTrackMenu(QMenu& menu, int track) {
  const TrackLook look = m_looks[static_cast<std::size_t>(track)];
  menu.addAction(look.pinned ? tr("Unpin (P)") : tr("Pin on top (P)"), this,
                 [this, track, look] { setPinned(track, !look.pinned); });
  menu.addAction(look.collapsed ? tr("Unfold (Enter)") : tr("Fold (Enter)"), this,
                 [this, track, look] { setCollapsed(track, !look.collapsed); });
  menu.addSeparator();
  menu.addAction(tr("Fold all"), this, [this] { setAllCollapsed(true); });
  menu.addAction(tr("Unfold all"), this, [this] { setAllCollapsed(false); });
}

void TimelineView::contextMenuEvent(QContextMenuEvent* event) {
  if (m_model == nullptr) return;
  int track = m_currentTrack;
  if (event->reason() == QContextMenuEvent::Mouse)
    if (const TimelineRow* row = m_layout.rowAt(inTracks(event->pos()).y(), verticalScrollBar()->value()))
      track = row->track;
  if (track < 0) return;
  m_currentTrack = track;
  viewport()->update();
  auto* menu = new QMenu(this);
  menu->setObjectName(QStringLiteral("timeline_menu"));
  menu->setAttribute(Qt::WA_DeleteOnClose);
  makeTrackMenu(*menu, track);
  menu->popup(event->reason() == QContextMenuEvent::Mouse
                  ? event->globalPos()
                  : mapToGlobal(QPoint(static_cast<int>(m_nameWidth), static_cast<int>(m_rulerHeight))));
}

void TimelineView::focusInEvent(QFocusEvent* event) {
  QAbstractScrollArea::focusInEvent(event);
  viewport()->update();
}

void TimelineView::focusOutEvent(QFocusEvent* event) {
  QAbstractScrollArea::focusOutEvent(event);
  viewport()->update();
}

} // namespace tandem::ui
