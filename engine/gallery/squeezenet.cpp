// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/gallery/graph_builder.hpp"

namespace tandem::gallery {
namespace {

ValueId convRelu(GraphBuilder& b, const std::string& name, ValueId x, const ConvSpec& spec) {
  auto scope = b.scope(name);
  return b.relu(b.conv(x, spec));
}

/// Squeeze to few channels, then expand by 1x1 and by 3x3 convolutions side by side.
ValueId fire(GraphBuilder& b, const std::string& name, ValueId x, std::int64_t squeeze, std::int64_t expand) {
  auto scope = b.scope(name);
  const ValueId squeezed = convRelu(b, "squeeze", x, {.channels = squeeze, .bias = true});
  const ValueId narrow = convRelu(b, "expand1x1", squeezed, {.channels = expand, .bias = true});
  const ValueId wide = convRelu(b, "expand3x3", squeezed, {.channels = expand, .kernel = 3, .pad = 1, .bias = true});
  return b.concat(narrow, wide);
}

Graph build(const GallerySample& facts) {
  GraphBuilder b(facts, "image");
  ValueId x = convRelu(b, "conv1", b.input(), {.channels = 64, .kernel = 3, .stride = 2, .bias = true});
  x = b.maxPool(x, 3, 2);
  x = fire(b, "fire2", x, 16, 64);
  x = fire(b, "fire3", x, 16, 64);
  x = b.maxPool(x, 3, 2);
  x = fire(b, "fire4", x, 32, 128);
  x = fire(b, "fire5", x, 32, 128);
  x = b.maxPool(x, 3, 2);
  x = fire(b, "fire6", x, 48, 192);
  x = fire(b, "fire7", x, 48, 192);
  x = fire(b, "fire8", x, 64, 256);
  x = fire(b, "fire9", x, 64, 256);
  auto scope = b.scope("classifier");
  x = b.relu(b.conv(x, {.channels = facts.classes, .bias = true}));
  x = b.softmax(b.flatten(b.globalAveragePool(x)));
  return b.finish(x, "probabilities");
}

} // namespace

Sample squeezenetSample() {
  return {{.name = "squeezenet",
           .title = "SqueezeNet 1.1",
           .description = "Fire modules: few parameters, many small layers (Iandola et al., arXiv 1602.07360; "
                          "version 1.1 of the authors' repository)",
           .task = "image classification",
           .inputShape = {kUnknownDim, 3, 224, 224},
           .classes = 1000},
          build};
}

} // namespace tandem::gallery
