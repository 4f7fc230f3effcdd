// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/core/units.hpp"

#include <QColor>
#include <QList>
#include <QString>
#include <QWidget>

namespace tandem::ui {

struct HistogramBin {
  double low = 0;
  double high = 0;
  double count = 0;
};

/// One distribution; a second one can be laid over the first to compare two runs.
struct HistogramData {
  QString name;
  QColor color; ///< invalid: the theme's category colour
  QList<HistogramBin> bins;
  double p50 = 0, p95 = 0, p99 = 0; ///< drawn as marks when above zero
};

/// Distribution of a quantity (latency) with its percentiles marked. The x axis is logarithmic when the bins span more
/// than a factor of 30. Bars are drawn per unit of axis width, so bins of unequal width compare honestly.
class HistogramChart : public QWidget {
  Q_OBJECT
 public:
  HistogramChart(const QString& title, Unit unit, QWidget* parent = nullptr);

  void setData(const QList<HistogramData>& distributions);
  void setEmptyText(const QString& text);
  [[nodiscard]] QString summary() const;
  [[nodiscard]] QSize sizeHint() const override;
  [[nodiscard]] QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  struct Scale;
  [[nodiscard]] Scale scale() const;
  [[nodiscard]] QColor colorOf(int index) const;
  void paintAxis(QPainter& painter, const Scale& scale) const;
  void paintBins(QPainter& painter, const Scale& scale, int index) const;
  void paintMarkers(QPainter& painter, const Scale& scale, int index) const;

  QString m_title, m_emptyText;
  Unit m_unit;
  QList<HistogramData> m_data;
};

} // namespace tandem::ui
