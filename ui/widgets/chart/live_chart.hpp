// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/core/units.hpp"
#include "ui/widgets/chart/ring_series.hpp"

#include <QColor>
#include <QString>
#include <QWidget>

#include <memory>

namespace tandem::ui {

/// A line chart of the last minute: x is seconds ago, y grows at once and shrinks after 5 s. Samples are stored by
/// append() and drawn by refresh(), which the owner calls once per display tick (10 Hz); nothing is drawn while hidden.
/// UI thread only.
class LiveChart : public QWidget {
  Q_OBJECT
 public:
  LiveChart(const QString& title, Unit unit, QWidget* parent = nullptr);
  ~LiveChart() override;

  /// Returns the series number. An invalid colour takes the theme's next category colour.
  int addSeries(const QString& name, const QColor& color = {},
                RingSeries::Aggregate aggregate = RingSeries::Aggregate::Mean);
  /// A series in the colour of a device; follows the theme.
  int addDeviceSeries(const QString& name, int deviceIndex,
                      RingSeries::Aggregate aggregate = RingSeries::Aggregate::Mean);
  /// The whole name behind a short one: for the legend's tooltip and assistive technology.
  void setSeriesDescription(int series, const QString& description);
  /// How the line is drawn, for lines of one colour.
  void setSeriesStyle(int series, Qt::PenStyle style);
  void clearSeries();
  [[nodiscard]] int seriesCount() const;
  void setSeriesVisible(int series, bool visible);
  [[nodiscard]] bool isSeriesVisible(int series) const;

  void append(int series, qint64 timeMs, double value);
  /// A vertical line at that moment; its text shows with the crosshair near it.
  void addMark(qint64 timeMs, const QString& text);
  /// Draws everything up to `nowMs`. Cheap when paused or hidden.
  void refresh(qint64 nowMs);
  /// Paused: samples are still recorded, the picture stands still.
  void pause(bool paused);
  [[nodiscard]] bool isPaused() const;
  void clearData();

  /// Shows `widget` at the right of the title; taken over.
  void setCornerWidget(QWidget* widget);
  [[nodiscard]] QString title() const;
  /// One sentence per series with last and largest value; for assistive technology and tests.
  [[nodiscard]] QString summary() const;
  /// Upper end of the y axis.
  [[nodiscard]] double yMaximum() const;
  [[nodiscard]] QSize sizeHint() const override;
  [[nodiscard]] QSize minimumSizeHint() const override;

 signals:
  /// Seconds ago under the pointer (<= 0), or 1 when it left; for a crosshair over several charts.
  void crosshairMoved(double secondsAgo);

 public slots:
  /// Shows the crosshair at `secondsAgo`; a positive value hides it. Does not emit.
  void showCrosshair(double secondsAgo);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  struct Private;
  std::unique_ptr<Private> d;
};

} // namespace tandem::ui
