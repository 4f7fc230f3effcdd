// SPDX-License-Identifier: GPL-3.0-or-later
// Times frames of a timeline of a million events and prints them as JSON; run it with QT_QPA_PLATFORM=offscreen.
#include "tests/ui/timeline_sample.hpp"
#include "ui/core/theme.hpp"
#include "ui/widgets/timeline/timeline_view.hpp"

#include <QApplication>
#include <QElapsedTimer>
#include <QImage>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTextStream>

#include <algorithm>
#include <functional>
#include <vector>

namespace tandem::ui {
namespace {

constexpr std::size_t kEvents = 1'000'000;
constexpr int kFrames = 200;

double timeMs(const std::function<void()>& work) {
  QElapsedTimer timer;
  timer.start();
  work();
  return static_cast<double>(timer.nsecsElapsed()) / 1e6;
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

QJsonObject measure() {
  std::shared_ptr<const TimelineModel> model;
  QJsonObject report;
  report["build_ms"] = timeMs([&] { model = sampleTimeline(kEvents); });
  TimelineView view;
  view.resize(1600, 1000);
  view.setDevices({QStringLiteral("CPU:0"), QStringLiteral("OPENCL-CPU:0")});
  view.show();
  view.setModel(model);
  view.setAllCollapsed(false);
  QImage target(view.viewport()->size(), QImage::Format_RGB32);
  const auto frame = [&](const std::function<void()>& change) {
    return timeMs([&] {
      change();
      view.viewport()->render(&target);
    });
  };
  frame([] {});
  const double width = view.tracksWidth(), whole = static_cast<double>(model->endNs());
  std::vector<double> zoom, pan;
  for (int i = 0; i < kFrames; ++i) // from everything to single kernels and back
    zoom.push_back(
        frame([&] { view.setWindow(view.window().zoomed(i < kFrames / 2 ? 1.1 : 1 / 1.1, width / 3, width, whole)); }));
  for (const double share : {1.0, 0.1, 0.001, 0.00005}) {
    view.setWindow(TimeWindow::fitting(whole * 0.3, whole * (0.3 + share * 0.6), width));
    for (int i = 0; i < kFrames / 4; ++i)
      pan.push_back(frame([&] { view.setWindow(view.window().panned(17, width, whole)); }));
  }
  std::vector<double> searching;
  searching.push_back(timeMs([&] { view.search(QStringLiteral("block/7")); }));
  TimelineArea area{0, model->endNs(), {0, 1, 2, 3, 4}};
  report["events"] = static_cast<qint64>(model->count());
  report["zoom_median_ms"] = quantile(zoom, 0.5);
  report["zoom_p95_ms"] = quantile(zoom, 0.95);
  report["zoom_max_ms"] = quantile(zoom, 1);
  report["pan_median_ms"] = quantile(pan, 0.5);
  report["pan_p95_ms"] = quantile(pan, 0.95);
  report["pan_max_ms"] = quantile(pan, 1);
  report["search_ms"] = searching.front();
  report["aggregate_all_ms"] = timeMs([&] { (void)aggregate(*model, area); });
  return report;
}

} // namespace
} // namespace tandem::ui

int main(int argc, char** argv) {
  using namespace tandem::ui;
  QApplication app(argc, argv);
  QApplication::setStyle(QStringLiteral("Fusion"));
  QApplication::setFont(QFont(QStringLiteral("DejaVu Sans"), 10));
  QApplication::setPalette(lightPalette());
  QTextStream(stdout) << QJsonDocument(measure()).toJson();
  return 0;
}
