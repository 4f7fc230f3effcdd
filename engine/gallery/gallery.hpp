// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <span>
#include <string_view>

namespace tandem {

/// A built-in architecture: the real layers of a known network with seeded weights. It needs no download, costs what
/// the trained network costs, and answers nonsense.
struct GallerySample {
  std::string name;        ///< "squeezenet", as in sample:squeezenet
  std::string title;       ///< "SqueezeNet 1.1"
  std::string description; ///< one sentence, with the source
  std::string task;        ///< "image classification"
  Shape inputShape;        ///< of the only input; the first dimension, the batch, is unknown
  int classes = 0;
};

/// All samples, in the order in which they are offered. Any thread.
std::span<const GallerySample> gallerySamples();

/// Builds a sample; the same graph and weights on every machine. The batch dimension is unknown and called "N".
/// Fails with Usage for an unknown name. Any thread.
Result<Graph> buildSample(std::string_view name);

} // namespace tandem
