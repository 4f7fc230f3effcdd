// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/core/units.hpp"

#include <QColor>
#include <QList>
#include <QString>
#include <QStringList>
#include <QWidget>

namespace tandem::ui {

/// One part of every bar, e.g. "weights".
struct BarPart {
  QString name;
  QColor color;         ///< invalid: the theme's category colour of its position
  QList<double> values; ///< one per bar
};

/// Horizontal stacked bars with a label, the total and an optional limit mark per bar: memory per device, work per
/// replica. Hatches tell the parts apart besides colour.
class BarChart : public QWidget {
  Q_OBJECT
 public:
  BarChart(const QString& title, Unit unit, QWidget* parent = nullptr);

  /// `limits` (may be empty) marks a maximum per bar, e.g. a device's memory; 0 = none.
  void setData(const QStringList& labels, const QList<BarPart>& parts, const QList<double>& limits = {});
  void setEmptyText(const QString& text);
  [[nodiscard]] QString summary() const;
  [[nodiscard]] QSize sizeHint() const override;
  [[nodiscard]] QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  [[nodiscard]] double total(int bar) const;
  [[nodiscard]] QColor partColor(int part) const;
  [[nodiscard]] QRect barRect(int bar) const;
  [[nodiscard]] double scaleMaximum() const;
  [[nodiscard]] int labelWidth() const;
  [[nodiscard]] int rowHeight() const;
  [[nodiscard]] int roomyRow() const;
  [[nodiscard]] int tightRow() const;
  [[nodiscard]] int top() const;

  QString m_title, m_emptyText;
  Unit m_unit;
  QStringList m_labels;
  QList<BarPart> m_parts;
  QList<double> m_limits;
};

} // namespace tandem::ui
