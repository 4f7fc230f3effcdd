// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QLabel;
class QPushButton;

namespace tandem::ui {

/// Says that copies of a deployment compute on the same cores: they would measure each other, the one mistake that
/// makes "both at once" look hopeless. Offers to split the processor between two copies. Hidden where all is well.
class SharedCoresHint : public QWidget {
  Q_OBJECT
 public:
  explicit SharedCoresHint(Workspace& workspace, QWidget* parent = nullptr);

  /// The devices of the copies; empty ids for placements over several.
  void setDevices(const QStringList& devices);

 signals:
  /// The processor is about to be split: what is chosen now names devices that will be others.
  void separating();

 private:
  void update();
  void separate();

  Workspace& m_workspace;
  QStringList m_devices;
  QLabel* m_text;
  QPushButton* m_button;
};

} // namespace tandem::ui
