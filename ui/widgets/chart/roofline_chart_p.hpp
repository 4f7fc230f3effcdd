// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/widgets/chart/roofline_chart.hpp"

namespace tandem::ui {

/// Where everything is in a picture of one size.
struct RooflineChart::Places {
  static constexpr int kMargin = 8;
  static constexpr int kSign = 12; ///< width of a device's sign in the legend
  QRectF plot;
  LogAxis x, y;
  QList<QRect> legend;

  [[nodiscard]] QPointF at(double flopPerByte, double gflopPerS) const {
    return {plot.left() + x.position(flopPerByte) * plot.width(),
            plot.bottom() - y.position(gflopPerS) * plot.height()};
  }
};

[[nodiscard]] inline bool isKnown(const RooflineRoof& roof) { return roof.gflops > 0 && roof.gbPerS > 0; }
[[nodiscard]] QString gflopsText(double value); ///< "245 GFLOP/s"
[[nodiscard]] QString gbText(double value);     ///< "41.3 GB/s"
[[nodiscard]] QString plainText(double value);  ///< "41.3"

} // namespace tandem::ui
