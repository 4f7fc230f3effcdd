// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/theme.hpp"
#include "ui/widgets/timeline/timeline_geometry.hpp"

#include <QFont>
#include <QFontMetricsF>
#include <QHash>
#include <QPalette>
#include <QStaticText>

#include <optional>

class QPainter;

namespace tandem::ui {

/// All that a frame shows. Points into the view, for the time of one paint.
struct TimelineFrame {
  const TimelineModel* model = nullptr;
  const TimelineLayout* layout = nullptr;
  const std::vector<TrackLook>* looks = nullptr;
  const std::vector<int>* deviceNumbers = nullptr; ///< by index of the model's device ids; -1: unknown here
  const SliceSet* found = nullptr;                 ///< search results
  const SliceSet* ofLayers = nullptr;              ///< slices of the selected layers
  const std::vector<TimelineFlow>* flows = nullptr;
  const std::vector<std::int64_t>* marks = nullptr;
  TimeWindow window;
  SliceRef selected, hovered;
  int currentTrack = -1;
  std::optional<TimelineArea> area;
  std::optional<std::pair<double, double>> zoomRange; ///< x, while a range is drawn with the middle button
  double scroll = 0;
  double nameWidth = 0, rulerHeight = 0;
  bool focused = false;
};

/// Draws frames; keeps texts and colours between them.
class TimelinePainter {
 public:
  void setLook(const QPalette& palette, const QFont& font);
  /// Forgets the texts of another model.
  void clear();
  void paint(QPainter& painter, const TimelineFrame& frame, const QSizeF& size);

  /// Spans drawn by the last paint(), and how many of them stand for several slices.
  [[nodiscard]] int spansDrawn() const { return m_spansDrawn; }
  [[nodiscard]] int mergedDrawn() const { return m_mergedDrawn; }
  /// Fill of a kind of slice on device number `device`.
  [[nodiscard]] QColor colorOf(SliceKind kind, int device) const;

 private:
  struct Fill {
    QColor fill, text, mark;
  };
  const Fill& fillOf(const TimelineSlice& slice, int device);
  void paintRows(QPainter& painter, const TimelineFrame& frame, const QSizeF& size, bool pinned);
  void paintTrack(QPainter& painter, const TimelineFrame& frame, const TimelineRow& row, double top, double width);
  void paintLane(QPainter& painter, const TimelineFrame& frame, const TimelineRow& row, int lane, double top,
                 double width);
  void paintDropped(QPainter& painter, const TimelineFrame& frame, const TimelineRow& row, double top, double width);
  void paintSelected(QPainter& painter, const TimelineFrame& frame, const QSizeF& size);
  void paintFlows(QPainter& painter, const TimelineFrame& frame);
  void paintName(QPainter& painter, const TimelineFrame& frame, const TimelineRow& row, double top);
  void paintRuler(QPainter& painter, const TimelineFrame& frame, const QSizeF& size);
  void paintMarks(QPainter& painter, const TimelineFrame& frame, const QSizeF& size);
  void paintArea(QPainter& painter, const TimelineFrame& frame, const QSizeF& size);
  void paintLabel(QPainter& painter, const TimelineModel& model, std::uint32_t label, const QRectF& rect);
  [[nodiscard]] static QRectF rectOf(const TimelineFrame& frame, const SliceRef& ref);
  [[nodiscard]] static int deviceOf(const TimelineFrame& frame, int index);

  QPalette m_palette;
  QFont m_font;
  Theme m_theme;
  double m_line = 16, m_char = 7;
  QHash<quint64, QStaticText> m_texts; ///< by label and number of characters
  std::vector<float> m_labelWidths;    ///< by label; negative: not measured yet
  QHash<int, Fill> m_fills;
  std::vector<LaneSpan> m_spans;
  int m_spansDrawn = 0, m_mergedDrawn = 0;
};

} // namespace tandem::ui
