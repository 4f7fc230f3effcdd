// SPDX-License-Identifier: GPL-3.0-or-later
// Writes pictures of the widgets with sample data, in the light and the dark palette: widget_shots DIR.
#include "bench/ui/sample_graphs.hpp"
#include "ui/core/theme.hpp"
#include "ui/widgets/chart/bar_chart.hpp"
#include "ui/widgets/chart/histogram_chart.hpp"
#include "ui/widgets/chart/live_chart.hpp"
#include "ui/widgets/common/common.hpp"

#include <QAction>
#include <QApplication>
#include <QDir>
#include <QGridLayout>
#include <QSignalSpy>
#include <QTextStream>

#include <cmath>

namespace tandem::ui {
namespace {

void waitForLayout(GraphCanvas& canvas) {
  QSignalSpy done(&canvas, &GraphCanvas::layoutFinished);
  while (!canvas.isLayoutDone())
    if (!done.wait(10000)) return;
}

void save(QWidget& widget, const QDir& dir, const QString& name) {
  QCoreApplication::processEvents();
  widget.grab().save(dir.filePath(name + QStringLiteral(".png")));
}

void shootCanvas(const QDir& dir, const QString& suffix) {
  GraphCanvas canvas;
  canvas.resize(1100, 800);
  canvas.show();
  save(canvas, dir, QStringLiteral("canvas_empty") + suffix);
  canvas.setDevices(sampleDevices());
  GraphScene scene = squeezeNetLike();
  canvas.setScene(scene);
  waitForLayout(canvas);
  canvas.setSelection({10, 11});
  canvas.setHighlighted({12});
  save(canvas, dir, QStringLiteral("canvas_open") + suffix);
  canvas.fitToWindow();
  save(canvas, dir, QStringLiteral("canvas_fit") + suffix);
  scene.setAllCollapsed(true);
  scene.setCollapsed(0, false);
  scene.setCollapsed(5, false);
  scene.setCollapsed(9, false);
  canvas.setScene(scene);
  waitForLayout(canvas);
  canvas.ensureVisible(63);
  waitForLayout(canvas);
  save(canvas, dir, QStringLiteral("canvas_end") + suffix);
  canvas.setColorMode(ColorMode::Flops);
  save(canvas, dir, QStringLiteral("canvas_flops") + suffix);
  canvas.setColorMode(ColorMode::Operator);
  save(canvas, dir, QStringLiteral("canvas_operator") + suffix);
  canvas.setColorMode(ColorMode::Support);
  save(canvas, dir, QStringLiteral("canvas_support") + suffix);
  canvas.setColorMode(ColorMode::Device);
  canvas.collapseAll();
  waitForLayout(canvas);
  canvas.fitToWindow();
  save(canvas, dir, QStringLiteral("canvas_collapsed") + suffix);
  canvas.setScene(unetLike(120));
  waitForLayout(canvas);
  canvas.fitToWindow();
  save(canvas, dir, QStringLiteral("canvas_unet") + suffix);
  canvas.setScene(repeatedBlocks(6));
  waitForLayout(canvas);
  save(canvas, dir, QStringLiteral("canvas_blocks") + suffix);
  canvas.setScene(chainWithSkips(80));
  waitForLayout(canvas);
  save(canvas, dir, QStringLiteral("canvas_chain") + suffix);
}

// A minute of made-up but plausible measurements.
void shootCharts(const QDir& dir, const QString& suffix) {
  QWidget window;
  window.resize(1100, 720);
  auto* grid = new QGridLayout(&window);
  auto* rate = new LiveChart(QStringLiteral("Throughput"), Unit::PerSecond);
  rate->addDeviceSeries(QStringLiteral("CPU:0"), 0);
  rate->addDeviceSeries(QStringLiteral("GPU:0"), 1);
  auto* latency = new LiveChart(QStringLiteral("Latency"), Unit::Milliseconds);
  for (const char* name : {"p50", "p95", "p99"}) latency->addSeries(QLatin1String(name));
  auto* memory = new BarChart(QStringLiteral("Memory per device"), Unit::Bytes);
  memory->setData({QStringLiteral("CPU:0"), QStringLiteral("GPU:0")},
                  {{QStringLiteral("weights"), {}, {4.7e6, 12.2e6}},
                   {QStringLiteral("activations"), {}, {9.1e6, 21e6}},
                   {QStringLiteral("staging"), {}, {1.2e6, 2.4e6}}},
                  {64e6, 30e6});
  auto* histogram = new HistogramChart(QStringLiteral("Latency of one request"), Unit::Milliseconds);
  HistogramData before{QStringLiteral("run 1"), {}, {}, 4.1, 7.9, 12.5},
      after{QStringLiteral("run 2"), {}, {}, 3.1, 5.9, 8};
  for (int i = 0; i < 40; ++i) {
    const double low = 2 + i * 0.3, peak = (low - 4.2) / (low < 4.2 ? 0.7 : 2.4),
                 other = (low - 3.2) / (low < 3.2 ? 0.5 : 1.4);
    before.bins.append({low, low + 0.3, std::floor(400 * std::exp(-peak * peak))});
    after.bins.append({low, low + 0.3, std::floor(520 * std::exp(-other * other))});
  }
  histogram->setData({before});
  auto* compare = new HistogramChart(QStringLiteral("Latency, two runs"), Unit::Milliseconds);
  compare->setData({before, after});
  auto* empty = new LiveChart(QStringLiteral("Queue depth"), Unit::Count);
  empty->addSeries(QStringLiteral("requests"));
  grid->addWidget(rate, 0, 0);
  grid->addWidget(latency, 0, 1);
  grid->addWidget(memory, 1, 0);
  grid->addWidget(histogram, 1, 1);
  grid->addWidget(compare, 2, 0);
  grid->addWidget(empty, 2, 1);
  for (int i = 0; i < 600; ++i) {
    const double wave = std::sin(i * 0.05), noise = ((i * 7919) % 101) / 101.0;
    rate->append(0, i * 100, 88 + 6 * wave + 8 * noise);
    rate->append(1, i * 100, 312 + 20 * wave + 18 * noise - (i > 300 && i < 360 ? 140 : 0));
    latency->append(0, i * 100, 3.1 + 0.2 * noise);
    latency->append(1, i * 100, 5.2 + 0.6 * noise);
    latency->append(2, i * 100, 7.5 + 2.5 * noise * noise + (i % 97 == 0 ? 6 : 0));
  }
  window.show();
  rate->refresh(59900);
  latency->refresh(59900);
  latency->showCrosshair(-23);
  QCoreApplication::processEvents();
  save(window, dir, QStringLiteral("charts") + suffix);
}

void shootCommon(const QDir& dir, const QString& suffix) {
  QWidget window;
  window.resize(760, 640);
  auto* column = new QVBoxLayout(&window);
  QAction again(QStringLiteral("Run again")), log(QStringLiteral("Show log")), open(QStringLiteral("Open model…"));
  auto* bar = new MessageBar;
  column->addWidget(bar);
  bar->showMessage(MessageKind::Error, QStringLiteral("The worker process ended unexpectedly."),
                   QStringLiteral("Signal 11 while running Conv_12 on GPU:0. Your placement is kept."), {&again, &log});
  auto* note = new MessageBar;
  column->addWidget(note);
  note->showMessage(MessageKind::Warning, QStringLiteral("3 layers run elsewhere than requested."));
  auto* info = new MessageBar;
  column->addWidget(info);
  info->showMessage(MessageKind::Info,
                    QStringLiteral("OPENCL-CPU:0 shares its cores with CPU:0; running both at once slows each."));
  auto* row = new QHBoxLayout;
  const char* ids[] = {"CPU:0", "GPU:0", "GPU:1", "OPENCL-CPU:0", "SIM:laptop", "CPU:1"};
  for (int i = 0; i < 6; ++i) {
    auto* pill = new DevicePill;
    pill->setDevice(i, QLatin1String(ids[i]), i < 2 ? QStringLiteral("Device %1").arg(i) : QString());
    row->addWidget(pill);
  }
  row->addStretch();
  column->addLayout(row);
  auto* filter = new FilterEdit;
  filter->setText(QStringLiteral("op:Conv"));
  filter->setMatchCount(3, 66);
  column->addWidget(filter);
  column->addWidget(
      new ElidedLabel(QString(20, QLatin1Char('/')).replace(QLatin1Char('/'), QStringLiteral("/features/block"))));
  auto* section = new CollapsibleSection(QStringLiteral("Attributes"));
  section->setContent(new QLabel(QStringLiteral("kernel_shape  3×3\nstrides  1×1")));
  column->addWidget(section);
  auto* bottom = new QHBoxLayout;
  auto* state = new EmptyState;
  state->setText(QStringLiteral("Open a model to begin"),
                 QStringLiteral("ONNX files and built-in samples. Drop a file anywhere."));
  state->setActions({&open, &log});
  bottom->addWidget(state);
  auto* picture = new PictureView;
  QImage image(320, 240, QImage::Format_RGB32);
  for (int y = 0; y < 240; ++y)
    for (int x = 0; x < 320; ++x) image.setPixel(x, y, qRgb(x / 2 + 40, y / 2 + 60, 120));
  picture->setPicture(image, {{QRectF(20, 30, 120, 160), QStringLiteral("person"), 0.93},
                              {QRectF(160, 4, 140, 90), QStringLiteral("bus"), 0.81}});
  bottom->addWidget(picture);
  column->addLayout(bottom, 1);
  window.show();
  save(window, dir, QStringLiteral("common") + suffix);
}

void shootAll(const QDir& dir, const QString& suffix) {
  shootCanvas(dir, suffix);
  shootCharts(dir, suffix);
  shootCommon(dir, suffix);
}

} // namespace
} // namespace tandem::ui

int main(int argc, char** argv) {
  QApplication app(argc, argv);
  QApplication::setStyle(QStringLiteral("Fusion"));
  QApplication::setFont(QFont(QStringLiteral("DejaVu Sans"), 10));
  if (argc != 2 || !QDir().mkpath(QString::fromLocal8Bit(argv[1]))) {
    QTextStream(stderr) << "usage: widget_shots DIR\n";
    return 2;
  }
  const QDir dir(QString::fromLocal8Bit(argv[1]));
  QApplication::setPalette(tandem::ui::lightPalette());
  tandem::ui::shootAll(dir, QStringLiteral("_light"));
  QApplication::setPalette(tandem::ui::darkPalette());
  tandem::ui::shootAll(dir, QStringLiteral("_dark"));
  return 0;
}
