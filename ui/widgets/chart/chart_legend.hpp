// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QList>
#include <QString>
#include <QWidget>

class QToolButton;

namespace tandem::ui {

/// The entries of a chart's lines in as many rows as they need; a click hides a line. The widget's height is fixed to
/// what its entries need at its width.
class ChartLegend : public QWidget {
  Q_OBJECT
 public:
  explicit ChartLegend(QWidget* parent = nullptr);
  /// `description` is the whole name, for the tooltip; `accessible` what the entry does, in words.
  QToolButton* add(const QString& name, const QString& accessible);
  void describe(int entry, const QString& description, const QString& accessible);
  /// A hidden line's sign is hollow.
  void setLook(int entry, const QColor& color, Qt::PenStyle line, bool visible);
  void setChecked(int entry, bool checked);
  void clear();

 signals:
  void toggled(int entry, bool visible);
  void heightChanged();

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void arrange();
  QList<QToolButton*> m_entries;
};

} // namespace tandem::ui
