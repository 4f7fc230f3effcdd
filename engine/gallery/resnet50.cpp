// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/gallery/graph_builder.hpp"

namespace tandem::gallery {
namespace {

// A small last scale keeps the sum over many residual blocks from growing; trained networks end up alike
// (Goyal et al., arXiv 1706.02677, start it at zero).
constexpr float kResidualGamma = 0.2f;

ValueId convNorm(GraphBuilder& b, const std::string& name, ValueId x, const ConvSpec& spec, bool relu,
                 float gamma = 1) {
  auto scope = b.scope(name);
  x = b.batchNorm(b.conv(x, spec), gamma);
  return relu ? b.relu(x) : x;
}

/// Version 1.5 has the stride in the 3x3 convolution, version 1 in the first 1x1.
ValueId bottleneck(GraphBuilder& b, const std::string& name, ValueId x, std::int64_t width, std::int64_t stride) {
  auto scope = b.scope(name);
  ValueId y = convNorm(b, "conv1", x, {.channels = width}, true);
  y = convNorm(b, "conv2", y, {.channels = width, .kernel = 3, .stride = stride, .pad = 1}, true);
  y = convNorm(b, "conv3", y, {.channels = 4 * width}, false, kResidualGamma);
  if (b.channels(x) != 4 * width || stride != 1)
    x = convNorm(b, "downsample", x, {.channels = 4 * width, .stride = stride}, false);
  return b.relu(b.sum(y, x));
}

Graph build(const GallerySample& facts) {
  GraphBuilder b(facts, "image");
  ValueId x = convNorm(b, "stem", b.input(), {.channels = 64, .kernel = 7, .stride = 2, .pad = 3}, true);
  x = b.maxPool(x, 3, 2, 1);
  struct Stage {
    std::int64_t width;
    int blocks;
  };
  int number = 0;
  for (const Stage& stage : {Stage{64, 3}, Stage{128, 4}, Stage{256, 6}, Stage{512, 3}}) {
    auto scope = b.scope("layer" + std::to_string(++number));
    for (int block = 0; block < stage.blocks; ++block)
      x = bottleneck(b, "block" + std::to_string(block), x, stage.width, block == 0 && number > 1 ? 2 : 1);
  }
  auto scope = b.scope("classifier");
  x = b.softmax(b.dense(b.flatten(b.globalAveragePool(x)), facts.classes));
  return b.finish(x, "probabilities");
}

} // namespace

Sample resnet50Sample() {
  return {{.name = "resnet50",
           .title = "ResNet-50 v1.5",
           .description = "Residual bottleneck blocks: the usual yardstick of inference benchmarks (He et al., "
                          "arXiv 1512.03385; stride in the 3x3 convolutions)",
           .task = "image classification",
           .inputShape = {kUnknownDim, 3, 224, 224},
           .classes = 1000},
          build};
}

} // namespace tandem::gallery
