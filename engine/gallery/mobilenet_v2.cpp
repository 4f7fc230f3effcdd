// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/gallery/graph_builder.hpp"

namespace tandem::gallery {
namespace {

ValueId convNorm(GraphBuilder& b, const std::string& name, ValueId x, const ConvSpec& spec, bool relu) {
  auto scope = b.scope(name);
  x = b.batchNorm(b.conv(x, spec));
  return relu ? b.relu6(x) : x;
}

/// Expand by `factor`, filter every channel by itself, project to few channels without an activation.
ValueId invertedResidual(GraphBuilder& b, const std::string& name, ValueId x, std::int64_t factor,
                         std::int64_t channels, std::int64_t stride) {
  auto scope = b.scope(name);
  const std::int64_t hidden = b.channels(x) * factor;
  ValueId y = x;
  if (factor != 1) y = convNorm(b, "expand", y, {.channels = hidden}, true);
  y = convNorm(b, "depthwise", y, {.channels = hidden, .kernel = 3, .stride = stride, .pad = 1, .groups = hidden},
               true);
  y = convNorm(b, "project", y, {.channels = channels}, false);
  return stride == 1 && b.channels(x) == channels ? b.sum(x, y) : y;
}

Graph build(const GallerySample& facts) {
  GraphBuilder b(facts, "image");
  ValueId x = convNorm(b, "stem", b.input(), {.channels = 32, .kernel = 3, .stride = 2, .pad = 1}, true);
  struct Stage {
    std::int64_t factor;
    std::int64_t channels;
    int blocks;
    std::int64_t stride;
  };
  // Table 2 of the paper.
  int number = 0;
  for (const Stage& stage : {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2}, Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
                             Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}}) {
    auto scope = b.scope("stage" + std::to_string(++number));
    for (int block = 0; block < stage.blocks; ++block)
      x = invertedResidual(b, "block" + std::to_string(block), x, stage.factor, stage.channels,
                           block == 0 ? stage.stride : 1);
  }
  x = convNorm(b, "head", x, {.channels = 1280}, true);
  auto scope = b.scope("classifier");
  x = b.softmax(b.dense(b.flatten(b.globalAveragePool(x)), facts.classes));
  return b.finish(x, "probabilities");
}

} // namespace

Sample mobilenet_v2Sample() {
  return {{.name = "mobilenet_v2",
           .title = "MobileNetV2",
           .description = "Inverted residuals with depthwise convolutions: little arithmetic per byte (Sandler et al., "
                          "arXiv 1801.04381)",
           .task = "image classification",
           .inputShape = {kUnknownDim, 3, 224, 224},
           .classes = 1000},
          build};
}

} // namespace tandem::gallery
