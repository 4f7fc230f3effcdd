// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QMap>
#include <QTimer>
#include <QWidget>

#include <vector>

class QGridLayout;
class QToolButton;

namespace tandem::ui {

class BarChart;
class LiveChart;

/// Latency, throughput, device load and memory of the run, drawn ten times a second from the run's snapshots. Nothing
/// is drawn while the panel is hidden; the samples are kept by the RunController.
class ChartsPanel : public QWidget {
  Q_OBJECT
 public:
  explicit ChartsPanel(Workspace& workspace, QWidget* parent = nullptr);
  /// What the charts show, as text: "latency", "throughput", "busy", "rss", "memory"; empty for unknown names.
  [[nodiscard]] QString summary(const QString& chart) const;
  void setPaused(bool paused);
  [[nodiscard]] bool isPaused() const { return m_paused; }

 protected:
  void showEvent(QShowEvent* event) override;
  void hideEvent(QHideEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  struct ReplicaSeries {
    int p50 = -1, p95 = -1, p99 = -1, throughput = -1;
  };
  void begin();
  void tick();
  void drain();
  void makeSeries(const session::Snapshot& snapshot);
  void showMemory(const std::vector<session::DeviceMemory>& memory);
  void arrange();
  [[nodiscard]] QString shortName(const session::Snapshot::Replica& replica);
  [[nodiscard]] int deviceNumber(const std::string& devices) const;

  Workspace& m_workspace;
  LiveChart* m_latency;
  LiveChart* m_throughput;
  LiveChart* m_busy;
  LiveChart* m_rss;
  BarChart* m_memory;
  QGridLayout* m_grid;
  QToolButton* m_pause;
  QTimer m_timer;
  std::vector<ReplicaSeries> m_replicas;
  QMap<QString, int> m_devices, m_names;
  QList<int> m_colors; ///< device colours that replicas have
  int m_total = -1, m_process = -1, m_columns = 0;
  quint64 m_last = 0;
  bool m_paused = false;
};

} // namespace tandem::ui
