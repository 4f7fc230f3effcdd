// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/chart/log_axis.hpp"

#include <QList>
#include <QPolygonF>
#include <QString>
#include <QWidget>

namespace tandem::ui {

struct Theme;

/// What a device can do at most: a slope of its memory's GB/s and a flat part of its GFLOP/s; both above 0.
struct RooflineRoof {
  QString name;                  ///< "CPU:0"
  QString details;               ///< for the legend, behind the peaks: "2 threads"; may be empty
  int device = 0;                ///< number that picks the colour, the shape of its dots and the style of its line
  double gflops = 0, gbPerS = 0; ///< 0: not known; the device has a legend entry only
};

/// One measured layer. Those without a positive intensity and rate are left out.
struct RooflineDot {
  int key = -1; ///< the owner's number for it
  int device = 0;
  double flopPerByte = 0, gflopPerS = 0, ms = 0;
  QString name;
  QString details; ///< rich text, shown beside the dot while the pointer is on it
};

/// Layers under the roofs of their devices (Williams, Waterman and Patterson, "Roofline", CACM 2009): arithmetic
/// intensity to the right, GFLOP/s upwards, both logarithmic. The area of a dot is the layer's time. A click or the
/// arrow keys choose a dot. UI thread only.
class RooflineChart : public QWidget {
  Q_OBJECT
 public:
  static constexpr int kMostDots = 600; ///< the slowest are shown
  struct Places;                        ///< roofline_chart_p.hpp

  explicit RooflineChart(QWidget* parent = nullptr);

  void setData(const QList<RooflineRoof>& roofs, const QList<RooflineDot>& dots);
  /// What the picture leaves out, in words; shown in the legend.
  void setNote(const QString& note);
  void setEmptyText(const QString& text);
  void setSelected(const QList<int>& keys);
  [[nodiscard]] const QList<int>& selected() const { return m_selected; }
  void setHovered(int key); ///< -1: none
  [[nodiscard]] int hovered() const { return m_hovered; }

  [[nodiscard]] int dotCount() const { return static_cast<int>(m_dots.size()); }
  /// The middle of a dot in the widget; null where it is not shown.
  [[nodiscard]] QPointF positionOf(int key) const;
  [[nodiscard]] int keyAt(QPointF position) const; ///< -1 where there is no dot
  [[nodiscard]] QString summary() const;
  /// PNG at twice the size for names that end in ".png", SVG otherwise; false where it cannot be written.
  bool exportPicture(const QString& path) const;
  [[nodiscard]] QSize sizeHint() const override;
  [[nodiscard]] QSize minimumSizeHint() const override;

 signals:
  void chosen(int key, bool extend); ///< -1: the click met no dot
  void hoverChanged(int key);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  [[nodiscard]] Places places(QSize size) const;
  [[nodiscard]] QStringList legendTexts() const;
  [[nodiscard]] double radiusOf(const RooflineDot& dot) const;
  [[nodiscard]] bool hasRoofs() const;
  void paint(QPainter& painter, QSize size, bool interactive) const;
  void paintLegend(QPainter& painter, const Places& places) const;
  void paintAxes(QPainter& painter, const Places& places) const;
  void paintRoofs(QPainter& painter, const Places& places) const;
  void paintRoofLabels(QPainter& painter, const Places& places) const;
  void paintSlopeLabel(QPainter& painter, const Places& places) const;
  [[nodiscard]] bool isFree(const QPolygonF& area, const Places& places) const;
  void paintDots(QPainter& painter, const Places& places, bool interactive) const;
  void paintCard(QPainter& painter, const Places& places) const;
  void hover(int key);
  void step(int direction);

  QList<RooflineRoof> m_roofs;
  QList<RooflineDot> m_dots; ///< the slowest first, so that small ones lie on top
  QList<int> m_selected;
  QString m_note, m_emptyText;
  int m_hovered = -1;
  double m_longestMs = 0;
};

} // namespace tandem::ui
