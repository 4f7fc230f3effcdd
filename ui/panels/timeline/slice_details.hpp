// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/widgets/timeline/timeline_model.hpp"

#include <QScrollArea>

class QLabel;
class QToolButton;

namespace tandem::ui {

/// All about one slice, with a link to its layer.
class SliceDetails : public QScrollArea {
  Q_OBJECT
 public:
  explicit SliceDetails(QWidget* parent = nullptr);
  /// `layer`: name of the layer that the link leads to; empty where there is none in the open model.
  void showSlice(const TimelineModel& model, const SliceRef& ref, const QString& layer);
  void clear();
  /// "Duration" -> "203 µs"; for tests and for copying.
  [[nodiscard]] QString text() const;

 signals:
  void layerRequested();

 private:
  enum Field { kStart, kDuration, kKind, kDevice, kTrack, kRequest, kBytes, kRate, kFields };
  void set(Field field, const QString& text);
  QLabel* m_name;
  QLabel* m_hint;
  QLabel* m_titles[kFields];
  QLabel* m_values[kFields];
  QLabel* m_layerTitle;
  QToolButton* m_layer;
};

} // namespace tandem::ui
