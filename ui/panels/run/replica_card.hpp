// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QFrame>

class QComboBox;
class QSpinBox;
class QToolButton;

namespace tandem::ui {

/// One replica of the deployment: where it runs, with how many threads and streams, and how it batches.
class ReplicaCard : public QFrame {
  Q_OBJECT
 public:
  ReplicaCard(Workspace& workspace, int index, const session::ReplicaSpec& spec, QWidget* parent = nullptr);

  /// With `placement` set to the current one where the card says so.
  [[nodiscard]] session::ReplicaSpec spec() const;
  [[nodiscard]] bool usesPlacement() const;
  void setRemovable(bool removable);

 signals:
  void changed();
  void removeRequested();

 private:
  void fillDevices();
  void setDevice(const QString& device);
  void updatePrecision();
  Workspace& m_workspace;
  session::ReplicaSpec m_spec;
  QComboBox* m_device;
  QSpinBox* m_threads;
  QSpinBox* m_streams;
  QSpinBox* m_batch;
  QComboBox* m_precision;
  QToolButton* m_remove;
};

} // namespace tandem::ui
