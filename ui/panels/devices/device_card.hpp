// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/types.hpp"

#include <QFrame>
#include <QPoint>

namespace tandem::ui {

/// One device: who it is, what it has, what was measured, and what can be done with it. A drag from it carries the
/// device id onto the canvas.
class DeviceCard : public QFrame {
  Q_OBJECT
 public:
  /// `number` is its position among the visible devices, -1 when hidden.
  DeviceCard(const session::DeviceSummary& device, int number, QWidget* parent = nullptr);

 signals:
  void assignRequested(const QString& id);
  void hideRequested(const QString& id, bool hidden);
  void limitRequested(const QString& id);

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;

 private:
  QString m_id, m_label;
  int m_number;
  QPoint m_pressed;
};

} // namespace tandem::ui
