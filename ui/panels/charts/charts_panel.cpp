// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/charts/charts_panel.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/widgets/chart/bar_chart.hpp"
#include "ui/widgets/chart/live_chart.hpp"

#include <QGridLayout>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>

namespace tandem::ui {
namespace {
constexpr int kTickMs = 100;
}

ChartsPanel::ChartsPanel(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("charts_panel"));
  m_latency = new LiveChart(tr("Latency"), Unit::Milliseconds, this);
  m_throughput = new LiveChart(tr("Throughput (items)"), Unit::PerSecond, this);
  m_busy = new LiveChart(tr("Device busy"), Unit::Percent, this);
  m_rss = new LiveChart(tr("Process memory"), Unit::Bytes, this);
  m_memory = new BarChart(tr("Memory per device"), Unit::Bytes, this);
  m_memory->setEmptyText(tr("Run the model to see what each device holds"));
  m_memory->setAccessibleName(tr("Memory per device"));
  LiveChart* const charts[] = {m_latency, m_throughput, m_busy, m_rss};
  for (LiveChart* from : charts) {
    for (LiveChart* to : charts) {
      if (from != to) connect(from, &LiveChart::crosshairMoved, to, &LiveChart::showCrosshair);
    }
  }
  m_pause = new QToolButton(this);
  m_pause->setText(tr("Pause display"));
  m_pause->setObjectName(QStringLiteral("pause_charts"));
  m_pause->setIcon(icon(QStringLiteral("pause")));
  m_pause->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  const int line = fontMetrics().height();
  m_pause->setIconSize({line - 4, line - 4});
  m_pause->setFixedHeight(line + 2); // no higher than the title beside it
  m_pause->setAutoRaise(true);
  m_pause->setCheckable(true);
  m_pause->setToolTip(tr("The charts stand still; the run goes on and nothing is lost"));
  connect(m_pause, &QToolButton::toggled, this, &ChartsPanel::setPaused);

  auto* inner = new QWidget(this);
  m_grid = new QGridLayout(inner);
  const int gap = fontMetrics().height() / 4;
  m_grid->setContentsMargins(gap, gap, gap, gap);
  m_grid->setSpacing(gap);
  auto* scroll = new QScrollArea(this);
  scroll->setObjectName(QStringLiteral("charts_area"));
  scroll->setAccessibleName(tr("Charts"));
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setWidget(inner);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(scroll);
  arrange();

  m_timer.setInterval(kTickMs);
  connect(&m_timer, &QTimer::timeout, this, &ChartsPanel::tick);
  connect(&m_workspace.runs, &RunController::started, this, &ChartsPanel::begin);
  connect(&m_workspace.runs, &RunController::eventHappened, this, [this](const RunController::Event& event) {
    for (LiveChart* chart : {m_latency, m_throughput}) chart->addMark(event.timeMs, event.text);
  });
  connect(&m_workspace.runs, &RunController::stateChanged, this, [this] {
    if (m_workspace.runs.isActive() && isVisible()) m_timer.start();
    if (!m_workspace.runs.isActive()) {
      m_timer.stop();
      tick();
    }
  });
  connect(&m_workspace.runs, &RunController::finished, this, [this] { showMemory(m_workspace.runs.report()->memory); });
}

int ChartsPanel::deviceNumber(const std::string& devices) const {
  return m_workspace.devices.numberOf(toQString(devices));
}

// The badges of the replica's devices, as everywhere; legends have little room.
QString ChartsPanel::shortName(const session::Snapshot::Replica& replica) {
  const QString name = replica.devices.empty() ? toQString(replica.name) : deviceBadges(toQString(replica.devices));
  const int same = ++m_names[name];
  return same == 1 ? name : QStringLiteral("%1(%2)").arg(name).arg(same);
}

// Up to three columns; what is left over shares the last row.
void ChartsPanel::arrange() {
  constexpr int kMostColumns = 3, kCharts = 5;
  const int wanted = std::max(m_latency->minimumSizeHint().width(), fontMetrics().averageCharWidth() * 40);
  const int columns = std::clamp(width() / wanted, 1, kMostColumns);
  if (columns == m_columns) return;
  m_columns = columns;
  QWidget* const all[kCharts] = {m_latency, m_throughput, m_busy, m_memory, m_rss};
  constexpr int kParts = 6; // divided evenly by one, two and three
  for (QWidget* chart : all) m_grid->removeWidget(chart);
  for (int i = 0; i < kCharts; ++i) {
    const int row = i / columns, inRow = std::min(columns, kCharts - row * columns), span = kParts / inRow;
    m_grid->addWidget(all[i], row, i % columns * span, 1, span);
  }
  for (int column = 0; column < kParts; ++column) m_grid->setColumnStretch(column, 1);
  for (int row = 0; row < kCharts; ++row) m_grid->setRowStretch(row, row * columns < kCharts ? 1 : 0);
  LiveChart* const corners[kMostColumns] = {m_latency, m_throughput, m_busy};
  corners[columns - 1]->setCornerWidget(m_pause);
}

void ChartsPanel::begin() {
  for (LiveChart* chart : {m_latency, m_throughput, m_busy, m_rss}) {
    chart->clearSeries();
    chart->clearData();
  }
  m_replicas.clear();
  m_devices.clear();
  m_names.clear();
  m_colors.clear();
  m_total = m_process = -1;
  m_memory->setData({}, {});
}

/// For the replicas that have none yet: all at first, later those that were added while the run went on.
void ChartsPanel::makeSeries(const session::Snapshot& snapshot) {
  const bool several = snapshot.replicas.size() > 1;
  for (std::size_t i = m_replicas.size(); i < snapshot.replicas.size(); ++i) {
    const auto& replica = snapshot.replicas[i];
    const QString name = shortName(replica), whole = toQString(replica.name);
    // A replica has the colour of its first device; a second one there takes that of a device yet unseen.
    const QString first = toQString(replica.devices).section(QLatin1Char('+'), 0, 0).trimmed();
    int device = deviceNumber(first.toStdString());
    if (device < 0 || m_colors.contains(device)) {
      device = static_cast<int>(m_workspace.devices.visibleIds().size());
      while (m_colors.contains(device)) ++device;
    }
    m_colors << device;
    const auto add = [&](LiveChart* chart, const QString& suffix, RingSeries::Aggregate aggregate) {
      const QString label = several || suffix.isEmpty() ? (name + QLatin1Char(' ') + suffix).trimmed() : suffix;
      const int series = chart->addDeviceSeries(label, device, aggregate);
      chart->setSeriesDescription(series, (whole + QLatin1Char(' ') + suffix).trimmed());
      return series;
    };
    ReplicaSeries series;
    series.p50 = add(m_latency, tr("p50"), RingSeries::Aggregate::Mean);
    series.p95 = add(m_latency, tr("p95"), RingSeries::Aggregate::Mean);
    series.p99 = add(m_latency, tr("p99"), RingSeries::Aggregate::Max);
    m_latency->setSeriesStyle(series.p95, Qt::DashLine);
    m_latency->setSeriesStyle(series.p99, Qt::DotLine);
    series.throughput = add(m_throughput, {}, RingSeries::Aggregate::Mean);
    m_replicas.push_back(series);
  }
  if (several && m_total < 0) {
    m_total = m_throughput->addDeviceSeries(tr("total"), kAutoDevice);
    m_throughput->setSeriesDescription(m_total, tr("All replicas together"));
  }
}

void ChartsPanel::drain() {
  const auto samples = m_workspace.runs.samplesAfter(m_last);
  for (const auto& sample : samples) {
    m_last = sample.number;
    const auto& snapshot = sample.snapshot;
    if (snapshot.rssBytes > 0 && m_process < 0)
      m_process = m_rss->addSeries(tr("engine process"), {}, RingSeries::Aggregate::Last);
    if (snapshot.rssBytes > 0) m_rss->append(m_process, sample.timeMs, static_cast<double>(snapshot.rssBytes));
    // Nothing is computed while loading and compiling; zeros would only hide what follows.
    if (snapshot.replicas.empty() || snapshot.phase == "load" || snapshot.phase == "compile") continue;
    if (m_replicas.size() < snapshot.replicas.size()) makeSeries(snapshot);
    for (std::size_t i = 0; i < std::min(m_replicas.size(), snapshot.replicas.size()); ++i) {
      const auto& replica = snapshot.replicas[i];
      m_throughput->append(m_replicas[i].throughput, sample.timeMs, replica.itemsPerS);
      if (replica.p50Ms <= 0) continue; // nothing completed in that second
      m_latency->append(m_replicas[i].p50, sample.timeMs, replica.p50Ms);
      m_latency->append(m_replicas[i].p95, sample.timeMs, replica.p95Ms);
      m_latency->append(m_replicas[i].p99, sample.timeMs, replica.p99Ms);
    }
    if (m_total >= 0) m_throughput->append(m_total, sample.timeMs, snapshot.itemsPerS);
    for (const auto& device : snapshot.devices) {
      const QString id = toQString(device.id);
      if (!m_devices.contains(id)) m_devices.insert(id, m_busy->addDeviceSeries(id, deviceNumber(device.id)));
      m_busy->append(m_devices.value(id), sample.timeMs, device.busyFraction);
    }
  }
  if (!samples.empty() && !m_paused) showMemory(samples.back().snapshot.memory);
}

void ChartsPanel::tick() {
  drain();
  if (!isVisible()) return;
  for (LiveChart* chart : {m_latency, m_throughput, m_busy, m_rss}) chart->refresh(m_workspace.runs.now());
}

void ChartsPanel::showMemory(const std::vector<session::DeviceMemory>& memory) {
  if (memory.empty()) return;
  QStringList labels;
  QList<BarPart> parts = {{tr("weights"), {}, {}}, {tr("activations"), {}, {}}, {tr("staging"), {}, {}}};
  QList<double> limits;
  for (const auto& device : memory) {
    labels << toQString(device.id);
    parts[0].values << static_cast<double>(device.weightsBytes);
    parts[1].values << static_cast<double>(device.activationsBytes);
    parts[2].values << static_cast<double>(device.stagingBytes);
    const auto* summary = m_workspace.devices.find(toQString(device.id));
    limits << (summary != nullptr && summary->memoryLimitBytes ? static_cast<double>(*summary->memoryLimitBytes) : 0.0);
  }
  m_memory->setData(labels, parts, limits);
}

QString ChartsPanel::summary(const QString& chart) const {
  if (chart == QLatin1String("latency")) return m_latency->summary();
  if (chart == QLatin1String("throughput")) return m_throughput->summary();
  if (chart == QLatin1String("busy")) return m_busy->summary();
  if (chart == QLatin1String("rss")) return m_rss->summary();
  if (chart == QLatin1String("memory")) return m_memory->summary();
  return {};
}

void ChartsPanel::setPaused(bool paused) {
  m_paused = paused;
  m_pause->setChecked(paused);
  for (LiveChart* chart : {m_latency, m_throughput, m_busy, m_rss}) chart->pause(paused);
}

void ChartsPanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (m_workspace.runs.isActive()) m_timer.start();
  tick();
}

void ChartsPanel::hideEvent(QHideEvent* event) {
  m_timer.stop();
  QWidget::hideEvent(event);
}

void ChartsPanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  arrange();
}

} // namespace tandem::ui
