// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/detection.hpp"
#include "engine/formats/images/preprocess.hpp"

namespace tandem {
namespace {

constexpr int kDefaultSide = 224;

bool isChannels(std::int64_t dim) { return dim == 1 || dim == 3; }

int side(std::int64_t dim) { return dim > 0 && dim <= 8192 ? static_cast<int>(dim) : kDefaultSide; }

/// Size, layout and type from the shape; false where the input is no picture.
bool readShape(const Value& input, PreprocessSpec& spec) {
  if (!input.rankKnown || input.desc.shape.rank() != 4) return false;
  const Shape& shape = input.desc.shape;
  // 3 channels last and not first: NHWC, as TensorFlow exports have it. Both open: ONNX's own order.
  const bool nhwc = isChannels(shape[3]) && !isChannels(shape[1]);
  const std::int64_t channels = nhwc ? shape[3] : shape[1];
  if (!isChannels(channels) && channels != kUnknownDim) return false;
  spec.layout = nhwc ? ImageLayout::Nhwc : ImageLayout::Nchw;
  spec.height = side(shape[nhwc ? 1 : 2]);
  spec.width = side(shape[nhwc ? 2 : 3]);
  spec.order = channels == 1 ? ChannelOrder::Gray : ChannelOrder::Rgb;
  if (input.desc.type != DataType::Undefined && byteSize(input.desc.type) > 0) spec.type = input.desc.type;
  return true;
}

} // namespace

PreprocessSpec guessPreprocess(const Graph& graph) {
  PreprocessSpec spec;
  if (graph.inputs().empty() || !readShape(graph.value(graph.inputs()[0]), spec)) {
    spec.width = spec.height = 0;
    return spec;
  }
  const std::string& input = graph.value(graph.inputs()[0]).name;
  const std::string& output = graph.outputs().empty() ? input : graph.value(graph.outputs()[0]).name;
  const auto known = [&](const char* preset, ResizeMode resize) {
    applyPreset(preset, spec);
    spec.resize = resize;
    spec.certain = true;
    return spec;
  };

  if (auto detector = guessDetector(graph))
    return known(*detector == DetectorKind::UltraFace ? "ultraface" : "unit-bgr", ResizeMode::Stretch);
  // Windows ML's SqueezeNet, converted from Caffe, and Microsoft's MNIST, converted from CNTK.
  if (input == "data_0" && output.starts_with("softmaxout")) return known("raw-bgr", ResizeMode::CropCenter);
  if (input == "Input3" && spec.width == 28 && spec.height == 28) return known("mnist", ResizeMode::Stretch);

  const bool gray = spec.order == ChannelOrder::Gray;
  if (!isFloating(spec.type)) { // bytes in: the model normalises by itself
    if (!gray) applyPreset("raw-rgb", spec);
  } else if (gray) {
    const bool digits = spec.width == 28 && spec.height == 28;
    spec.scale = 1.0f / 255.0f;
    spec.invert = digits ? Invert::IfLight : Invert::No;
    spec.resize = digits ? ResizeMode::Stretch : ResizeMode::CropCenter;
  } else {
    // Keras models (NHWC) mostly take -1..1 (Inception, MobileNet, Xception), the others ImageNet's statistics.
    applyPreset(spec.layout == ImageLayout::Nhwc ? "minus-one-one" : "imagenet", spec);
    // Square inputs are classifiers as a rule; others (detectors, segmentation) want the whole picture.
    spec.resize = spec.width == spec.height && spec.width <= 320 ? ResizeMode::CropCenter : ResizeMode::Stretch;
  }
  return spec;
}

} // namespace tandem
