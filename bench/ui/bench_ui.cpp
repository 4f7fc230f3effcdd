// SPDX-License-Identifier: GPL-3.0-or-later
// Times layout, painting and chart ticks of the widgets and prints them as JSON; run it with QT_QPA_PLATFORM=offscreen.
#include "bench/ui/sample_graphs.hpp"
#include "ui/core/theme.hpp"
#include "ui/widgets/chart/live_chart.hpp"
#include "ui/widgets/graph_canvas/graph_layout.hpp"

#include <QApplication>
#include <QElapsedTimer>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QMouseEvent>
#include <QSignalSpy>
#include <QTextStream>

#include <algorithm>
#include <functional>
#include <vector>

namespace tandem::ui {
namespace {

constexpr int kLayoutRuns = 9; // after one that is not counted
constexpr int kFrames = 120;

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

double timeMs(const std::function<void()>& work) {
  QElapsedTimer timer;
  timer.start();
  work();
  return static_cast<double>(timer.nsecsElapsed()) / 1e6;
}

QJsonObject layoutTimes(const GraphScene& scene) {
  QFont font;
  font.setPixelSize(13);
  const TextMetrics metrics = TextMetrics::of(font);
  const std::atomic<bool> cancel{false};
  std::vector<double> times;
  VisibleGraph graph;
  for (int run = 0; run <= kLayoutRuns; ++run) {
    const double ms = timeMs([&] {
      graph = visibleGraph(scene, metrics, metrics);
      const GraphLayout layout = layoutGraph(graph, scene, {}, cancel);
      if (layout.cancelled) qFatal("the layout was cancelled");
    });
    if (run > 0) times.push_back(ms);
  }
  return {{"layout_median_ms", quantile(times, 0.5)}, {"layout_max_ms", quantile(times, 1)}};
}

// Paints the viewport as the window system would, into a picture of its size.
double paintMs(GraphCanvas& canvas, QPixmap& target) {
  return timeMs([&] { canvas.viewport()->render(&target); });
}

QJsonObject frameTimes(const GraphScene& scene) {
  GraphCanvas canvas;
  canvas.resize(1600, 1000);
  canvas.setDevices(sampleDevices());
  canvas.show();
  QSignalSpy done(&canvas, &GraphCanvas::layoutFinished);
  const double shown = timeMs([&] {
    canvas.setScene(scene);
    while (!canvas.isLayoutDone()) done.wait(60000);
  });
  QPixmap target(canvas.viewport()->size());
  const double first = paintMs(canvas, target);
  const auto send = [&](QEvent::Type type, QPointF at, Qt::MouseButton button, Qt::MouseButtons buttons) {
    QMouseEvent event(type, at, canvas.viewport()->mapToGlobal(at), button, buttons, Qt::NoModifier);
    QApplication::sendEvent(canvas.viewport(), &event);
  };
  std::vector<double> pan, zoom;
  QPointF at(800, 900);
  send(QEvent::MouseButtonPress, at, Qt::LeftButton, Qt::LeftButton);
  for (int i = 0; i < kFrames; ++i) {
    at += QPointF(i % 2 == 0 ? 3 : -3, -7);
    send(QEvent::MouseMove, at, Qt::NoButton, Qt::LeftButton);
    pan.push_back(paintMs(canvas, target));
  }
  send(QEvent::MouseButtonRelease, at, Qt::LeftButton, Qt::NoButton);
  for (int i = 0; i < 24; ++i) {
    canvas.zoomBy(i < 12 ? 0.8 : 1.25);
    zoom.push_back(paintMs(canvas, target));
  }
  canvas.fitToWindow();
  std::vector<double> fit;
  for (int i = 0; i < 9; ++i) {
    canvas.setColorMode(i % 2 == 0 ? ColorMode::Operator : ColorMode::Device); // nothing cached
    fit.push_back(paintMs(canvas, target));
  }
  QList<int> all(scene.nodeCount(), 1);
  const double assign = timeMs([&] {
    canvas.setPlacement(all, all);
    canvas.viewport()->render(&target);
  });
  return {{"shown_ms", shown},
          {"first_paint_ms", first},
          {"pan_p95_ms", quantile(pan, 0.95)},
          {"pan_max_ms", quantile(pan, 1)},
          {"zoom_p95_ms", quantile(zoom, 0.95)},
          {"fit_full_paint_p95_ms", quantile(fit, 0.95)},
          {"assign_all_ms", assign}};
}

QJsonObject chartTimes() {
  LiveChart chart(QStringLiteral("Throughput"), Unit::PerSecond);
  chart.resize(500, 260);
  for (int s = 0; s < 3; ++s) chart.addSeries(QStringLiteral("series %1").arg(s));
  chart.show();
  std::vector<double> ticks;
  QPixmap target(chart.size());
  qint64 now = 0;
  for (int i = 0; i < 700; ++i, now += 100) {
    for (int s = 0; s < 3; ++s) chart.append(s, now, 100 * (s + 1) + (i * 7919 % 31));
    if (i < 600) continue;
    ticks.push_back(timeMs([&] {
      chart.refresh(now);
      chart.render(&target);
    }));
  }
  return {
      {"series", 3}, {"points", 600}, {"tick_median_ms", quantile(ticks, 0.5)}, {"tick_p95_ms", quantile(ticks, 0.95)}};
}

} // namespace
} // namespace tandem::ui

int main(int argc, char** argv) {
  using namespace tandem::ui;
  QApplication app(argc, argv);
  QApplication::setStyle(QStringLiteral("Fusion"));
  QApplication::setFont(QFont(QStringLiteral("DejaVu Sans"), 10));
  QApplication::setPalette(lightPalette());
  QJsonArray graphs;
  for (const int count : {1000, 10000, 50000})
    for (const bool unet : {false, true}) {
      const GraphScene scene = unet ? unetLike(count) : chainWithSkips(count);
      QJsonObject result = layoutTimes(scene);
      const QJsonObject frames = frameTimes(scene);
      for (auto it = frames.begin(); it != frames.end(); ++it) result.insert(it.key(), it.value());
      result.insert("graph", unet ? "unet-like" : "chain-with-skips");
      result.insert("nodes", count);
      graphs.append(result);
    }
  for (const int blocks : {100, 1000, 5000}) {
    const GraphScene scene = repeatedBlocks(blocks);
    QJsonObject result = layoutTimes(scene);
    const QJsonObject frames = frameTimes(scene);
    for (auto it = frames.begin(); it != frames.end(); ++it) result.insert(it.key(), it.value());
    result.insert("graph", "repeated-blocks");
    result.insert("nodes", scene.nodeCount());
    graphs.append(result);
  }
  const QJsonObject report{{"graphs", graphs}, {"chart", chartTimes()}};
  QTextStream(stdout) << QJsonDocument(report).toJson();
  return 0;
}
