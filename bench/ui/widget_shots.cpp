// SPDX-License-Identifier: GPL-3.0-or-later
// Writes pictures of the widgets with sample data, in the light and the dark palette: widget_shots DIR.
#include "bench/ui/sample_graphs.hpp"
#include "ui/core/theme.hpp"

#include <QApplication>
#include <QDir>
#include <QSignalSpy>
#include <QTextStream>

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
  canvas.setScene(chainWithSkips(80));
  waitForLayout(canvas);
  save(canvas, dir, QStringLiteral("canvas_chain") + suffix);
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
  tandem::ui::shootCanvas(dir, QStringLiteral("_light"));
  QApplication::setPalette(tandem::ui::darkPalette());
  tandem::ui::shootCanvas(dir, QStringLiteral("_dark"));
  return 0;
}
