// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/graph_canvas/graph_scene.hpp"

#include <array>
#include <vector>

class QFont;

namespace tandem::ui {

/// Text widths without a paint device, so that boxes can be sized off the UI thread. Made on the UI thread.
struct TextMetrics {
  std::array<float, 128> ascii{};
  float other = 0; ///< for all other characters

  /// `font` should have a pixel size: the scene's unit is a pixel at zoom 1.
  [[nodiscard]] static TextMetrics of(const QFont& font);
  [[nodiscard]] float width(const QString& text) const;
};

/// One box on the canvas: a visible node or a collapsed scope (exactly one of them is >= 0).
struct VisibleBox {
  int node = -1;
  int scope = -1;
  int frame = -1; ///< expanded scope around it, -1 = top level
  int count = 1;  ///< nodes it stands for
  float width = 0;
  float height = 0;
};

/// All scene edges between two boxes.
struct VisibleEdge {
  int from = 0; ///< box
  int to = 0;
  qint64 bytes = 0;
  int count = 0;
};

/// What is left of a scene once collapsed scopes hide their insides: boxes, merged edges, expanded scopes as frames.
struct VisibleGraph {
  std::vector<VisibleBox> boxes;
  std::vector<VisibleEdge> edges;
  std::vector<int> boxOfNode;     ///< per scene node
  std::vector<int> boxOfScope;    ///< per scope: its box when collapsed and visible, else -1
  std::vector<int> visibleEdgeOf; ///< per scene edge: visible edge, -1 when inside one box
  std::vector<int> frames;        ///< expanded visible scopes with something inside, parents first
};

/// Boxes come in the order of their first node, edges in the order of their first scene edge: deterministic.
[[nodiscard]] VisibleGraph visibleGraph(const GraphScene& scene, const TextMetrics& title, const TextMetrics& subtitle);

/// "12C/3G0": how many nodes inside a collapsed scope run where. `badges` by device index; auto counts as "?".
[[nodiscard]] QString shareText(const std::vector<DeviceShare>& shares, const QStringList& badges);

} // namespace tandem::ui
