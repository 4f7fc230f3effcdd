// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/gallery/graph_builder.hpp"

namespace tandem::gallery {
namespace {

ValueId convRelu(GraphBuilder& b, const std::string& name, ValueId x, std::int64_t channels) {
  auto scope = b.scope(name);
  return b.relu(b.conv(x, {.channels = channels, .kernel = 5, .pad = 2, .bias = true}));
}

Graph build(const GallerySample& facts) {
  GraphBuilder b(facts, "digit");
  ValueId x = b.maxPool(convRelu(b, "conv1", b.input(), 8), 2, 2);
  x = b.maxPool(convRelu(b, "conv2", x, 16), 3, 3);
  auto scope = b.scope("classifier");
  x = b.softmax(b.dense(b.flatten(x, 4 * 4), facts.classes));
  return b.finish(x, "probabilities");
}

} // namespace

Sample mnistSample() {
  return {{.name = "mnist",
           .title = "Digits CNN",
           .description = "Two convolutions and one dense layer: small enough to follow every number",
           .task = "digit classification",
           .inputShape = {kUnknownDim, 1, 28, 28},
           .classes = 10},
          build};
}

} // namespace tandem::gallery
