// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/widgets/cpu_map/cpu_map_model.hpp"

#include <QRectF>

namespace tandem::ui {

/// A box around what belongs together: package > NUMA node > L3 > kind of core > core.
struct CpuMapBox {
  QRectF rect;
  int depth = 0; ///< 0 for the outermost
  QString title; ///< empty for a core
};

/// One processor.
struct CpuMapCell {
  QRectF rect;
  int processor = 0; ///< into CpuMapModel::processors
};

struct CpuMapLayout {
  QList<CpuMapBox> boxes; ///< outer ones first
  QList<CpuMapCell> cells;
  QSizeF size{0, 0};
  double titleHeight = 0;
};

/// Lays the map out in at most `width`, as long as one core fits into that. `line` is the height of a line of text, to
/// which everything is in proportion: cells shrink by steps as processors become many. A level that has one box per box
/// around it, such as the only NUMA node, is left out, except the package. Pure.
[[nodiscard]] CpuMapLayout layoutCpuMap(const CpuMapModel& model, double width, double line);

/// The cell at `point`, or -1.
[[nodiscard]] int cellAt(const CpuMapLayout& layout, QPointF point);
/// The cells that a straight stroke touches, without the one at `from`.
[[nodiscard]] QList<int> cellsAlong(const CpuMapLayout& layout, QPointF from, QPointF to);
/// The nearest cell to the left (-1, 0), right (1, 0), above (0, -1) or below (0, 1); `cell` itself at the edge.
[[nodiscard]] int neighbourOf(const CpuMapLayout& layout, int cell, QPoint direction);

} // namespace tandem::ui
