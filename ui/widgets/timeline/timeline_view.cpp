// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/timeline/timeline_view.hpp"

#include "ui/core/units.hpp"

#include <QEvent>
#include <QPainter>
#include <QResizeEvent>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

constexpr int kBarSteps = 100000;
constexpr std::size_t kMostHistory = 50;

} // namespace

TimelineView::TimelineView(QWidget* parent) : QAbstractScrollArea(parent) {
  setFocusPolicy(Qt::StrongFocus);
  setFrameShape(QFrame::NoFrame);
  setVerticalScrollBarPolicy(Qt::ScrollBarAsNeeded);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOn);
  horizontalScrollBar()->setAccessibleName(tr("Time shown"));
  viewport()->setMouseTracking(true);
  viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
  setAccessibleName(tr("Timeline"));
  applyLook();
  m_nameWidth = fontMetrics().averageCharWidth() * 26.0;
  describe();
}

TimelineView::~TimelineView() = default;

QSize TimelineView::sizeHint() const { return {fontMetrics().averageCharWidth() * 90, fontMetrics().height() * 16}; }

void TimelineView::applyLook() {
  m_painter.setLook(palette(), font());
  m_laneHeight = std::ceil(fontMetrics().height() * 1.2);
  m_rulerHeight = std::ceil(fontMetrics().height() * 1.6);
}

void TimelineView::changeEvent(QEvent* event) {
  QAbstractScrollArea::changeEvent(event);
  if (event->type() != QEvent::PaletteChange && event->type() != QEvent::FontChange) return;
  applyLook();
  relayout();
}

void TimelineView::setModel(std::shared_ptr<const TimelineModel> model) {
  cancelDrag();
  m_model = std::move(model);
  m_looks.assign(m_model != nullptr ? m_model->tracks().size() : 0, {});
  m_history.clear();
  m_found = m_ofLayers = {};
  m_marks.clear();
  m_flows.clear();
  m_hovered = {};
  m_currentTrack = m_looks.empty() ? -1 : 0;
  m_painter.clear();
  if (m_model != nullptr) {
    // Many lanes at once push the devices out of sight.
    constexpr std::size_t kMostAtFirst = 8;
    for (std::size_t track = 0; track < m_looks.size(); ++track)
      m_looks[track].collapsed = m_model->tracks()[track].lanes.size() > kMostAtFirst;
  }
  setDevices(QStringList(m_devices));
  const bool hadSelection = m_selected.valid(), hadArea = m_area.has_value();
  m_selected = {};
  m_area.reset();
  setTrackFilter(m_filter);
  fitAll();
  m_history.clear();
  if (hadSelection) emit selectionChanged(m_selected);
  if (hadArea) emit areaChanged();
  describe();
}

void TimelineView::setDevices(const QStringList& ids) {
  m_devices = ids;
  m_deviceNumbers.clear();
  if (m_model != nullptr)
    for (const QString& id : m_model->deviceIds()) m_deviceNumbers.push_back(static_cast<int>(ids.indexOf(id)));
  viewport()->update();
}

double TimelineView::traceNs() const { return m_model != nullptr ? static_cast<double>(m_model->endNs()) : 0; }
double TimelineView::tracksWidth() const { return std::max(1.0, viewport()->width() - m_nameWidth); }

void TimelineView::relayout() {
  m_layout = m_model != nullptr
                 ? layoutTracks(*m_model, m_looks, m_laneHeight, std::ceil(fontMetrics().height() * 0.35))
                 : TimelineLayout();
  updateScrollBars();
  viewport()->update();
}

void TimelineView::updateScrollBars() {
  m_settingBars = true;
  const double room = std::max(0.0, viewport()->height() - m_rulerHeight - m_layout.pinnedHeight);
  verticalScrollBar()->setRange(0, static_cast<int>(std::ceil(std::max(0.0, m_layout.scrolledHeight - room))));
  verticalScrollBar()->setPageStep(static_cast<int>(room));
  verticalScrollBar()->setSingleStep(static_cast<int>(m_laneHeight));
  // Time has its own scale, with room before and after the trace.
  const double shown = m_window.nsPerPixel * tracksWidth(), low = -shown / 2;
  const double high = std::max(low, traceNs() - shown / 2), range = high - low;
  horizontalScrollBar()->setRange(0, range > 0 ? kBarSteps : 0);
  if (range > 0) {
    const int page = static_cast<int>(std::clamp(shown / range * kBarSteps, 1.0, double{kBarSteps}));
    horizontalScrollBar()->setPageStep(page);
    horizontalScrollBar()->setSingleStep(std::max(1, page / 10));
    horizontalScrollBar()->setValue(static_cast<int>((m_window.startNs - low) / range * kBarSteps));
  }
  m_settingBars = false;
}

void TimelineView::scrollContentsBy(int dx, int) {
  if (m_settingBars) return;
  if (dx != 0) {
    const double shown = m_window.nsPerPixel * tracksWidth(), low = -shown / 2;
    const double range = std::max(low, traceNs() - shown / 2) - low;
    m_window.startNs = low + range * horizontalScrollBar()->value() / kBarSteps;
  }
  viewport()->update();
}

void TimelineView::moveTo(const TimeWindow& window, bool remember) {
  const TimeWindow next = window.clamped(tracksWidth(), traceNs());
  if (next == m_window) return;
  if (remember) {
    if (m_history.size() >= kMostHistory) m_history.erase(m_history.begin());
    m_history.push_back(m_window);
  }
  m_window = next;
  updateScrollBars();
  viewport()->update();
  describe();
}

void TimelineView::setWindow(const TimeWindow& window) { moveTo(window, false); }
void TimelineView::fitAll() { moveTo(TimeWindow::fitting(0, std::max(1.0, traceNs()), tracksWidth()), true); }

void TimelineView::focusSelection() {
  double from, to;
  if (m_area) {
    from = static_cast<double>(m_area->startNs);
    to = static_cast<double>(m_area->endNs);
  } else if (m_model != nullptr && m_model->contains(m_selected)) {
    from = static_cast<double>(m_model->slice(m_selected).startNs);
    to = static_cast<double>(m_model->slice(m_selected).endNs);
  } else {
    return;
  }
  const double width = tracksWidth(), middle = (from + to) / 2;
  const TimeWindow centred =
      TimeWindow{middle - m_window.nsPerPixel * width / 2, m_window.nsPerPixel}.clamped(width, traceNs());
  const bool isThere = std::fabs(centred.startNs - m_window.startNs) <= m_window.nsPerPixel;
  moveTo(isThere ? TimeWindow::fitting(from, to, width, 0.1) : centred, true);
  if (m_selected.valid()) revealTrack(m_selected.track);
}

void TimelineView::select(const SliceRef& ref, bool show) {
  const SliceRef next = m_model != nullptr && m_model->contains(ref) ? ref : SliceRef();
  if (next.valid()) {
    m_currentTrack = next.track;
    if (m_area) selectArea(std::nullopt);
  }
  if (show && next.valid()) reveal(next);
  if (next == m_selected) return;
  m_selected = next;
  m_flows = m_model != nullptr ? m_model->flowsOf(m_selected) : std::vector<TimelineFlow>();
  viewport()->update();
  describe();
  emit selectionChanged(m_selected);
}

void TimelineView::selectArea(const std::optional<TimelineArea>& area) {
  const auto next = area && !area->isEmpty() ? area : std::nullopt;
  if (next == m_area) return;
  m_area = next;
  if (m_area && m_selected.valid()) {
    m_selected = {};
    m_flows.clear();
    emit selectionChanged(m_selected);
  }
  viewport()->update();
  describe();
  emit areaChanged();
}

void TimelineView::reveal(const SliceRef& ref) {
  const TimelineSlice& slice = m_model->slice(ref);
  const double width = tracksWidth();
  const double from = m_window.xOf(static_cast<double>(slice.startNs)),
               to = m_window.xOf(static_cast<double>(slice.endNs));
  if (to < width * 0.02 || from > width * 0.98) {
    const double middle = static_cast<double>(slice.startNs + slice.durationNs() / 2);
    moveTo({middle - m_window.nsPerPixel * width / 2, m_window.nsPerPixel}, false);
  }
  if (m_looks[static_cast<std::size_t>(ref.track)].hidden) setTrackFilter({});
  revealTrack(ref.track);
}

void TimelineView::revealTrack(int track) {
  const TimelineRow* row = m_layout.rowOf(track);
  if (row == nullptr || row->pinned) return;
  const double room = viewport()->height() - m_rulerHeight - m_layout.pinnedHeight;
  const double lane = m_selected.track == track ? row->laneHeight * m_selected.lane : 0;
  const double top = row->y + lane,
               bottom = top + std::min(row->height - lane, std::max(row->laneHeight, m_laneHeight));
  const double scroll = verticalScrollBar()->value();
  if (top < scroll)
    verticalScrollBar()->setValue(static_cast<int>(top));
  else if (bottom > scroll + room)
    verticalScrollBar()->setValue(static_cast<int>(std::ceil(bottom - room)));
  viewport()->update();
}

std::size_t TimelineView::search(const QString& text) {
  m_found = m_model != nullptr ? SliceSet::matching(*m_model, text) : SliceSet();
  viewport()->update();
  describe();
  return m_found.count;
}

void TimelineView::selectFound(int step) {
  if (m_model != nullptr && !m_found.isEmpty()) select(m_found.next(*m_model, m_selected, step));
}

void TimelineView::setHighlightedLabels(const std::vector<bool>& chosen) {
  m_ofLayers = m_model != nullptr ? SliceSet::ofLabels(*m_model, chosen) : SliceSet();
  viewport()->update();
}

void TimelineView::setTrackFilter(const QString& text) {
  m_filter = text;
  for (std::size_t track = 0; track < m_looks.size(); ++track)
    m_looks[track].hidden = !text.isEmpty() && !m_model->tracks()[track].name.contains(text, Qt::CaseInsensitive);
  if (m_currentTrack >= 0 && m_looks[static_cast<std::size_t>(m_currentTrack)].hidden) m_currentTrack = -1;
  relayout();
}

void TimelineView::setPinned(int track, bool pinned) {
  if (track < 0 || static_cast<std::size_t>(track) >= m_looks.size()) return;
  m_looks[static_cast<std::size_t>(track)].pinned = pinned;
  relayout();
}

void TimelineView::setCollapsed(int track, bool collapsed) {
  if (track < 0 || static_cast<std::size_t>(track) >= m_looks.size()) return;
  m_looks[static_cast<std::size_t>(track)].collapsed = collapsed;
  relayout();
}

void TimelineView::setAllCollapsed(bool collapsed) {
  for (TrackLook& look : m_looks) look.collapsed = collapsed;
  relayout();
}

QPointF TimelineView::positionOf(const SliceRef& ref) const {
  const TimelineRow* row = m_model != nullptr && m_model->contains(ref) ? m_layout.rowOf(ref.track) : nullptr;
  if (row == nullptr) return {};
  const TimelineSlice& slice = m_model->slice(ref);
  const double from = std::max(0.0, m_window.xOf(static_cast<double>(slice.startNs)));
  const double to = std::min(tracksWidth(), m_window.xOf(static_cast<double>(slice.endNs)));
  return {m_nameWidth + (from + to) / 2,
          m_rulerHeight + m_layout.topOf(*row, verticalScrollBar()->value()) + row->laneHeight * (ref.lane + 0.5)};
}

QString TimelineView::summary() const {
  if (m_model == nullptr) return tr("No trace is loaded");
  const auto ms = [](double ns) { return formatMs(ns / 1e6); };
  QString text = tr("%n track(s)", nullptr, static_cast<int>(m_model->tracks().size())) + QStringLiteral(", ") +
                 tr("%1 slices in %2").arg(formatCount(static_cast<double>(m_model->count())), ms(traceNs()));
  if (m_model->dropped() > 0)
    text += QStringLiteral(", ") +
            tr("%1 older events were dropped").arg(formatCount(static_cast<double>(m_model->dropped())));
  const double from = std::max(0.0, m_window.startNs), to = std::min(traceNs(), m_window.endNs(tracksWidth()));
  text += QStringLiteral("; ") + tr("%1 to %2 are shown").arg(ms(from), ms(to));
  if (m_selected.valid()) text += QStringLiteral("; ") + tr("selected: %1").arg(toolTipOf(m_selected));
  if (m_area)
    text += QStringLiteral("; ") +
            tr("an area of %1 on %n track(s) is selected", nullptr, static_cast<int>(m_area->tracks.size()))
                .arg(ms(static_cast<double>(m_area->durationNs())));
  if (!m_found.isEmpty())
    text += QStringLiteral("; ") + tr("%1 found").arg(formatCount(static_cast<double>(m_found.count)));
  return text;
}

// The words are for those who cannot see the picture; QWidget tells assistive technology that they changed.
void TimelineView::describe() { setAccessibleDescription(summary()); }

QString TimelineView::toolTipOf(const SliceRef& ref) const {
  const TimelineSlice& slice = m_model->slice(ref);
  QString text = m_model->label(slice) + QStringLiteral(", ") + formatMs(static_cast<double>(slice.durationNs()) / 1e6);
  if (slice.bytes > 0) text += QStringLiteral(", ") + formatBytes(static_cast<double>(slice.bytes));
  if (slice.request > 0) text += QStringLiteral(", ") + tr("request %1").arg(slice.request);
  return text + QStringLiteral(", ") + m_model->tracks()[static_cast<std::size_t>(ref.track)].name;
}

void TimelineView::resizeEvent(QResizeEvent* event) {
  QAbstractScrollArea::resizeEvent(event);
  // The whole trace stays whole.
  const double before = std::max(1.0, event->oldSize().width() - m_nameWidth);
  if (event->oldSize().width() > 0 && m_window.startNs <= 0 && m_window.endNs(before) >= traceNs()) {
    m_window = TimeWindow::fitting(0, std::max(1.0, traceNs()), tracksWidth());
  }
  m_window = m_window.clamped(tracksWidth(), traceNs());
  relayout();
  describe();
}

void TimelineView::paintEvent(QPaintEvent*) {
  QPainter painter(viewport());
  if (m_model == nullptr) {
    painter.fillRect(viewport()->rect(), Theme::of(palette()).window);
    return;
  }
  TimelineFrame frame;
  frame.model = m_model.get();
  frame.layout = &m_layout;
  frame.looks = &m_looks;
  frame.deviceNumbers = &m_deviceNumbers;
  frame.found = &m_found;
  frame.ofLayers = &m_ofLayers;
  frame.flows = &m_flows;
  frame.marks = &m_marks;
  frame.window = m_window;
  frame.selected = m_selected;
  frame.hovered = m_hovered;
  frame.currentTrack = m_currentTrack;
  frame.area = m_area;
  if (m_drag == Drag::Zoom) frame.zoomRange = std::pair(inTracks(m_pressed).x(), inTracks(m_last).x());
  frame.scroll = verticalScrollBar()->value();
  frame.nameWidth = m_nameWidth;
  frame.rulerHeight = m_rulerHeight;
  frame.focused = hasFocus();
  m_painter.paint(painter, frame, viewport()->size());
}

} // namespace tandem::ui
