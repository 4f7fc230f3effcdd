// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QFrame>

class QComboBox;
class QLabel;
class QPushButton;
class QSpinBox;
class QToolButton;

namespace tandem::ui {

class BatchingEditor;

/// A replica of the run that goes on, as its card shows it.
struct LiveReplica {
  QString state;                   ///< "serving"; empty: not part of the run
  QString note;                    ///< what is pending, or what differs from what runs
  bool add = false, apply = false; ///< which buttons there are
  bool remove = false;
};

/// One replica of the deployment: where it runs, with how many threads and streams, and how it batches. While a run
/// goes on, also what became of it, and buttons that change it at once.
class ReplicaCard : public QFrame {
  Q_OBJECT
 public:
  ReplicaCard(Workspace& workspace, int index, const session::ReplicaSpec& spec, QWidget* parent = nullptr);

  /// With `placement` set to the current one where the card says so.
  [[nodiscard]] session::ReplicaSpec spec() const;
  [[nodiscard]] bool usesPlacement() const;
  /// `why`: where it cannot be removed now, for the tooltip.
  void setRemovable(bool removable, const QString& why = {});
  /// Why the replica cannot be run; empty where it can.
  [[nodiscard]] QString problem() const;
  void showLive(const LiveReplica& live);
  void hideLive();

 signals:
  void changed();
  void removeRequested();
  void addNow();
  void applyNow();
  void removeNow();

 private:
  void makeLive(int index, const QString& who);
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
  BatchingEditor* m_batching;
  QWidget* m_live;
  QLabel* m_state;
  QPushButton* m_addNow;
  QPushButton* m_applyNow;
  QPushButton* m_removeNow;
};

} // namespace tandem::ui
