// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/widgets/timeline/timeline_geometry.hpp"
#include "ui/widgets/timeline/timeline_painter.hpp"

#include <QAbstractScrollArea>

#include <memory>
#include <optional>

class QMenu;

namespace tandem::ui {

/// A trace on a time axis, with Perfetto's keys: W/S zoom, A/D pan, F focuses the selection and F again fits it, `.`
/// and
/// `,` step through slices, M marks, `[` and `]` go between marks, `/` searches, R makes the selected slice an area,
/// Space shows all, Esc takes back. Ctrl+wheel zooms at the pointer, Shift+drag pans, dragging selects an area,
/// dragging with the middle button zooms to a range; Backspace goes back to what was shown before.
/// Up and Down change the track, P pins and Enter folds it, Ctrl+A selects what is shown, Shift+Left and Shift+Right
/// move the end of the area: nothing needs a mouse.
class TimelineView : public QAbstractScrollArea {
  Q_OBJECT
 public:
  explicit TimelineView(QWidget* parent = nullptr);
  ~TimelineView() override;

  /// Shows the whole of another trace; nullptr: none. What was selected, marked, pinned and searched is forgotten.
  void setModel(std::shared_ptr<const TimelineModel> model);
  [[nodiscard]] const TimelineModel* model() const { return m_model.get(); }
  /// Which number each device has in the workbench; decides colours.
  void setDevices(const QStringList& ids);

  [[nodiscard]] const TimeWindow& window() const { return m_window; }
  void setWindow(const TimeWindow& window);
  [[nodiscard]] double tracksWidth() const;
  void fitAll();
  /// Shows the selected slice or area: in the middle, and when it is there already, over the whole width.
  void focusSelection();

  [[nodiscard]] const SliceRef& selected() const { return m_selected; }
  /// Selects and, with `show`, scrolls to it.
  void select(const SliceRef& ref, bool show = true);
  [[nodiscard]] const std::optional<TimelineArea>& area() const { return m_area; }
  void selectArea(const std::optional<TimelineArea>& area);
  [[nodiscard]] const std::vector<std::int64_t>& marks() const { return m_marks; }
  [[nodiscard]] const std::vector<TimelineFlow>& flows() const { return m_flows; }

  /// Highlights all slices whose label contains the text. Returns their number.
  std::size_t search(const QString& text);
  [[nodiscard]] const SliceSet& found() const { return m_found; }
  /// Selects the next (or the previous) of the found ones.
  void selectFound(int step);
  /// Marks the slices of the chosen labels: one entry per label of the model.
  void setHighlightedLabels(const std::vector<bool>& chosen);
  [[nodiscard]] const SliceSet& highlighted() const { return m_ofLayers; }

  /// Shows only tracks whose name contains the text.
  void setTrackFilter(const QString& text);
  void setPinned(int track, bool pinned);
  void setCollapsed(int track, bool collapsed);
  void setAllCollapsed(bool collapsed);
  [[nodiscard]] const std::vector<TrackLook>& looks() const { return m_looks; }
  [[nodiscard]] int currentTrack() const { return m_currentTrack; }

  [[nodiscard]] double nameWidth() const { return m_nameWidth; }
  /// Middle of the slice in viewport coordinates, as far as it is shown.
  [[nodiscard]] QPointF positionOf(const SliceRef& ref) const;
  [[nodiscard]] const TimelinePainter& painter() const { return m_painter; }
  /// What is shown, in words.
  [[nodiscard]] QString summary() const;
  [[nodiscard]] QSize sizeHint() const override;

 signals:
  void selectionChanged(const tandem::ui::SliceRef& ref);
  void areaChanged();
  void hoverChanged(const tandem::ui::SliceRef& ref);
  void searchRequested();
  void searchCleared();
  void detailsToggled();

 protected:
  bool event(QEvent* event) override;
  void changeEvent(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void scrollContentsBy(int dx, int dy) override;
  void keyPressEvent(QKeyEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  bool viewportEvent(QEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;

 private:
  enum class Drag { None, Maybe, Area, Pan, Zoom, Names };
  void applyLook();
  void relayout();
  void updateScrollBars();
  void moveTo(const TimeWindow& window, bool remember);
  void describe();
  void setHovered(const SliceRef& ref);
  bool handleKey(QKeyEvent* event);
  bool handleNavigation(int key, Qt::KeyboardModifiers modifiers);
  void clearStep();
  void toggleMark();
  void stepMark(int step);
  void stepTrack(int step);
  void stepSlice(int step);
  void growArea(int step);
  void reveal(const SliceRef& ref);
  void revealTrack(int track);
  void cancelDrag();
  void drawArea(const QPointF& to);
  [[nodiscard]] double traceNs() const;
  [[nodiscard]] std::vector<int> tracksBetween(double y0, double y1) const;
  [[nodiscard]] QPointF inTracks(const QPointF& viewportPoint) const;
  [[nodiscard]] QString toolTipOf(const SliceRef& ref) const;
  void makeTrackMenu(QMenu& menu, int track);

  std::shared_ptr<const TimelineModel> m_model;
  TimelineLayout m_layout;
  std::vector<TrackLook> m_looks;
  QStringList m_devices;
  std::vector<int> m_deviceNumbers;
  TimelinePainter m_painter;
  TimeWindow m_window;
  std::vector<TimeWindow> m_history;
  SliceRef m_selected, m_hovered;
  std::vector<TimelineFlow> m_flows;
  SliceSet m_found, m_ofLayers;
  std::optional<TimelineArea> m_area, m_areaBefore;
  std::vector<std::int64_t> m_marks;
  QString m_filter;
  int m_currentTrack = -1;
  double m_nameWidth = 0, m_rulerHeight = 0, m_laneHeight = 0;
  Drag m_drag = Drag::None;
  QPointF m_pressed, m_last;
  TimeWindow m_windowBefore;
  double m_nameBefore = 0;
  bool m_settingBars = false;
};

} // namespace tandem::ui
