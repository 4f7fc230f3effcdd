// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/core/units.hpp"

#include <QList>
#include <QString>
#include <QWidget>

namespace tandem::ui {

/// How much of a quantity (latency) stays below a value: the cumulative distribution, drawn from quantiles at even
/// steps from the smallest value to the largest one. The x axis is logarithmic where the largest value is far from the
/// middle. p50, p95 and p99 are marked; the pointer reads any other. UI thread only.
class QuantileChart : public QWidget {
  Q_OBJECT
 public:
  QuantileChart(const QString& title, Unit unit, QWidget* parent = nullptr);

  /// Ascending, at least two, all finite; anything else shows the empty text.
  void setQuantiles(const QList<double>& values);
  /// A second curve to hold against the first, thinner and grey, with both names in a legend; empty: none.
  void setReference(const QList<double>& values, const QString& name, const QString& referenceName);
  [[nodiscard]] bool isEmpty() const { return m_values.isEmpty(); }
  /// The value that `fraction` (0..1) of all stays below.
  [[nodiscard]] double valueAt(double fraction) const;
  /// In words, for assistive technology and tests.
  [[nodiscard]] QString summary() const;
  [[nodiscard]] QSize sizeHint() const override;
  [[nodiscard]] QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  struct Scale;
  [[nodiscard]] Scale scale() const;
  void paintAxes(QPainter& painter, const Scale& scale) const;
  void paintMarks(QPainter& painter, const Scale& scale) const;
  void paintCurve(QPainter& painter, const Scale& scale, const QList<double>& values) const;
  void paintLegend(QPainter& painter, const Scale& scale) const;

  QString m_title;
  Unit m_unit;
  QList<double> m_values, m_reference;
  QString m_name, m_referenceName;
};

} // namespace tandem::ui
