// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QList>
#include <QString>
#include <QWidget>

namespace tandem::ui {

/// The outline of a recording over time, and a curve of results (0..1) over it.
class WaveView : public QWidget {
  Q_OBJECT
 public:
  explicit WaveView(QWidget* parent = nullptr);
  /// Lowest and highest sample, part by part.
  void setWave(const QList<double>& low, const QList<double>& high, double seconds);
  /// One value per step, drawn from the bottom (0) to the top (1); empty: none.
  void setCurve(const QList<double>& values, const QString& title);
  [[nodiscard]] bool hasWave() const { return !m_low.isEmpty(); }
  [[nodiscard]] QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void describe();
  QList<double> m_low, m_high, m_curve;
  double m_seconds = 0;
  QString m_title;
};

} // namespace tandem::ui
