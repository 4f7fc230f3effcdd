// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/gallery/graph_builder.hpp"

namespace tandem::gallery {
namespace {

ValueId convNorm(GraphBuilder& b, const std::string& name, ValueId x, const ConvSpec& spec, bool relu) {
  auto scope = b.scope(name);
  x = b.batchNorm(b.conv(x, spec));
  return relu ? b.relu(x) : x;
}

ValueId basicBlock(GraphBuilder& b, const std::string& name, ValueId x, std::int64_t channels, std::int64_t stride) {
  auto scope = b.scope(name);
  ValueId y = convNorm(b, "conv1", x, {.channels = channels, .kernel = 3, .stride = stride, .pad = 1}, true);
  y = convNorm(b, "conv2", y, {.channels = channels, .kernel = 3, .pad = 1}, false);
  if (stride != 1) x = convNorm(b, "downsample", x, {.channels = channels, .stride = stride}, false);
  return b.relu(b.sum(y, x));
}

Graph build(const GallerySample& facts) {
  GraphBuilder b(facts, "image");
  ValueId x = convNorm(b, "stem", b.input(), {.channels = 16, .kernel = 3, .pad = 1}, true);
  x = basicBlock(b, "block1", x, 16, 1);
  x = basicBlock(b, "block2", x, 32, 2);
  x = basicBlock(b, "block3", x, 64, 2);
  auto scope = b.scope("classifier");
  x = b.softmax(b.dense(b.flatten(b.globalAveragePool(x)), facts.classes));
  return b.finish(x, "probabilities");
}

} // namespace

Sample tiny_resnetSample() {
  return {{.name = "tiny_resnet",
           .title = "Tiny ResNet",
           .description = "Three residual blocks for 32x32 pictures (the eight-layer member of the CIFAR family in "
                          "He et al., arXiv 1512.03385)",
           .task = "image classification",
           .inputShape = {kUnknownDim, 3, 32, 32},
           .classes = 10},
          build};
}

} // namespace tandem::gallery
