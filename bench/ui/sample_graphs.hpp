// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/graph_canvas/graph_canvas.hpp"

namespace tandem::ui {

/// Made-up graphs for tests, benchmarks and screenshots: always the same for the same arguments.

/// SqueezeNet 1.1's shape: 66 nodes, eight fire modules as scopes in `features`; the second half on device 1.
[[nodiscard]] GraphScene squeezeNetLike();
/// A chain of `count` nodes with a skip over four nodes every eight nodes, as in residual networks.
[[nodiscard]] GraphScene chainWithSkips(int count);
/// Down and up again with a skip from each level of the first half to its twin in the second.
[[nodiscard]] GraphScene unetLike(int count);
/// Transformer-like: blocks of ten nodes in nested scopes (block, attention), each with two residual edges; all
/// expanded.
[[nodiscard]] GraphScene repeatedBlocks(int blocks);
/// CPU:0 and GPU:0.
[[nodiscard]] QList<CanvasDevice> sampleDevices();

} // namespace tandem::ui
