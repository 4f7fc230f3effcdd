// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/document_model.hpp"
#include "ui/models/device_list_model.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

namespace tandem::ui {

/// The open document as the canvas draws it; scopes come from the nodes' scope names ("a/b" is b inside a).
[[nodiscard]] GraphScene buildScene(const DocumentModel& document, const DeviceListModel& devices);

/// What changes when the placement does: one entry per node.
struct ScenePlacement {
  QList<int> requested, effective;
  QList<quint8> flags;
  QStringList reasons;
};
[[nodiscard]] ScenePlacement buildPlacement(const DocumentModel& document, const DeviceListModel& devices);

/// Measured times for GraphCanvas::setMeasured: per node, and of all copies between devices together.
struct SceneTimes {
  QList<double> ms; ///< empty: nothing is measured
  double transferMs = -1;
};
[[nodiscard]] SceneTimes buildTimes(const DocumentModel& document);

/// The visible devices with what is known of their bandwidths.
[[nodiscard]] QList<CanvasDevice> buildDevices(const DeviceListModel& devices);

/// Rich text for a node's tooltip.
[[nodiscard]] QString nodeToolTip(const DocumentModel& document, int node);

} // namespace tandem::ui
