// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/core/theme.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"
#include "ui/widgets/graph_canvas/visible_graph.hpp"

#include <QColor>
#include <QList>
#include <QString>

#include <vector>

namespace tandem::ui {

/// What the painter needs to know of a box apart from its place. Made anew when placement, mode or theme changes.
struct BoxLook {
  QColor color; ///< of the current mode
  Qt::BrushStyle hatch = Qt::NoBrush;
  QString badge; ///< letter in the badge block; empty in the heat modes
  QString title;
  QString detail;     ///< second line
  bool moved = false; ///< a node inside runs elsewhere than requested
  bool unsupported = false;
  std::vector<DeviceShare> shares; ///< of a collapsed scope
};

struct EdgeLook {
  bool transfer = false;
  qint64 transferBytes = 0; ///< of the parts that change device
  double transferMs = -1;   ///< of these, estimated from bandwidths; negative where they are not known
  float width = 1;
  QString label; ///< bytes and estimated time, on transfers
};

struct LegendEntry {
  QColor color;
  Qt::BrushStyle hatch = Qt::NoBrush;
  QString badge;
  QString text;
  QString count;
  QList<int> nodes; ///< selected by a click
};

/// Colours and texts of everything visible in one mode.
struct CanvasLooks {
  std::vector<BoxLook> boxes;
  std::vector<EdgeLook> edges;
  std::vector<LegendEntry> legend;
  QString legendTitle;
  bool byDevice = true; ///< groups show their devices' shares
  bool heat = false;    ///< the legend is a ramp from heatLow to heatHigh
  QString heatLow, heatMiddle, heatHigh;
  int transfers = 0;
  double transferBytes = 0;
  QString transferTime; ///< of all copies, and whether it is measured or estimated; empty while unknown
};

[[nodiscard]] CanvasLooks makeLooks(const GraphScene& scene, const VisibleGraph& graph,
                                    const QList<CanvasDevice>& devices, ColorMode mode, const Theme& theme);

} // namespace tandem::ui
