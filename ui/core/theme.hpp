// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QObject>
#include <QPalette>
#include <QString>

namespace tandem::ui {

/// Device index of a node that nobody placed ("auto").
inline constexpr int kAutoDevice = -1;

/// How one device looks everywhere. Colour is never the only sign: the badge and the hatch say the same.
struct DeviceStyle {
  QColor fill;                        ///< Okabe-Ito colour
  QColor text;                        ///< readable on `fill` (at least 4.5:1)
  QColor outline;                     ///< drawn around fills: at least 3:1 against the window
  Qt::BrushStyle hatch = Qt::NoBrush; ///< laid over the fill in `text` with low opacity
};

/// The colours of one palette (light or dark). A plain value: take it with Theme::of(palette()) and take it again on
/// QEvent::PaletteChange.
struct Theme {
  bool dark = false;
  QColor window;  ///< behind canvases and charts
  QColor surface; ///< cards, legends, node bodies without a device
  QColor frame;   ///< expanded scopes' fill
  QColor frameOutline;
  QColor text;
  QColor mutedText; ///< at least 4.5:1 on `window`
  QColor grid;
  QColor edge;      ///< graph edges within one device
  QColor transfer;  ///< graph edges that change device
  QColor selection; ///< selection halo
  QColor searchHit; ///< halo of search results
  QColor hover;
  QColor problem; ///< errors and unsupported
  QColor warning;
  QColor success;
  QColor info;

  /// Derives the theme from window and text colour (Qt 6.4 has no colour-scheme hint).
  [[nodiscard]] static Theme of(const QPalette& palette);

  /// The look of device `index` (kAutoDevice: grey). Past the fifth device the colours repeat with another hatch.
  [[nodiscard]] DeviceStyle device(int index) const;
  /// The device look as a brush for charts: the fill alone.
  [[nodiscard]] QColor deviceColor(int index) const { return device(index).fill; }
  /// `color`, darker or lighter by as little as makes thin lines readable on `window` (3:1).
  [[nodiscard]] QColor lineColor(const QColor& color) const;
  /// Colour for chart series and operator categories that are not devices; repeats after seven.
  [[nodiscard]] QColor category(int index) const;
  /// Viridis-like ramp for heat maps; `t` is clamped to [0, 1].
  [[nodiscard]] static QColor heat(double t);
  /// Black or white, whichever reads better on `background`.
  [[nodiscard]] static QColor textOn(const QColor& background);
  /// WCAG contrast ratio, 1 to 21.
  [[nodiscard]] static double contrast(const QColor& a, const QColor& b);
};

/// A complete light or dark palette for QApplication::setPalette with the Fusion style.
[[nodiscard]] QPalette lightPalette();
[[nodiscard]] QPalette darkPalette();

/// The short letter badge of a device id: "CPU:0" -> "C", "CPU:1" -> "C1", "GPU:0" -> "G0", "OPENCL-CPU:0" -> "O0",
/// "SIM:laptop" -> "S"; empty id -> "?".
[[nodiscard]] QString deviceBadge(const QString& deviceId);
/// The badges of several devices: "OPENCL-CPU:1 + CPU:0" -> "O1+C".
[[nodiscard]] QString deviceBadges(const QString& deviceIds);

/// Tells objects that are not widgets when the application's palette changed. Lives as long as the application object;
/// UI thread only.
class ThemeNotifier : public QObject {
  Q_OBJECT
 public:
  static ThemeNotifier& instance();

 signals:
  void changed();

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  explicit ThemeNotifier(QObject* parent);
};

} // namespace tandem::ui
