// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/detection.hpp"
#include "engine/formats/images/preprocess.hpp"

#include <algorithm>

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

/// PaddleOCR models as paddle2onnx writes them: their dimensions carry its symbols, or names end as its layers do.
bool isPaddle(const Value& input, const std::string& output) {
  const bool symbols = std::any_of(input.dimNames.begin(), input.dimNames.end(),
                                   [](const std::string& name) { return name.starts_with("p2o."); });
  return symbols || (input.name == "x" && (output.starts_with("softmax_") || output.starts_with("sigmoid_") ||
                                           output.starts_with("save_infer_model/")));
}

/// PaddleOCR's readers and direction finders take x / 127.5 - 1, its text finders ImageNet's statistics; all take BGR.
void guessPaddle(const std::string& output, PreprocessSpec& spec) {
  const bool finder = output.starts_with("sigmoid_");
  applyPreset(finder ? "imagenet" : "minus-one-one", spec);
  spec.order = ChannelOrder::Bgr;
  if (spec.resize != ResizeMode::FitHeight) spec.resize = ResizeMode::Stretch;
  if (spec.resize == ResizeMode::Stretch && output.starts_with("softmax_") && spec.width == kDefaultSide &&
      spec.height == kDefaultSide) {
    spec.width = 192; // the direction finder's training size, which its file leaves open
    spec.height = 48;
  }
  if (finder && spec.width == kDefaultSide && spec.height == kDefaultSide)
    spec.width = spec.height = 736; // text is lost at less; a multiple of 32
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

  if (auto detector = guessDetector(graph)) {
    if (*detector == DetectorKind::UltraFace) return known("ultraface", ResizeMode::Stretch);
    if (*detector == DetectorKind::FastestDet) return known("unit-bgr", ResizeMode::Stretch);
    // YOLO's programs shrink the picture into the input and leave its proportions; the zoo's second version takes
    // 0..255.
    const bool yolo = *detector == DetectorKind::YoloV5 || *detector == DetectorKind::YoloV8;
    if (isFloating(spec.type)) applyPreset(yolo || *detector == DetectorKind::Ssd ? "unit" : "raw-rgb", spec);
    spec.resize = yolo ? ResizeMode::Letterbox : ResizeMode::Stretch;
    return spec;
  }
  // Windows ML's SqueezeNet, converted from Caffe, and Microsoft's MNIST, converted from CNTK.
  if (input == "data_0" && output.starts_with("softmaxout")) return known("raw-bgr", ResizeMode::CropCenter);
  if (input == "Input3" && spec.width == 28 && spec.height == 28) return known("mnist", ResizeMode::Stretch);

  // A height without a width is a reader of text lines.
  const Shape& shape = graph.value(graph.inputs()[0]).desc.shape;
  const bool planar = spec.layout == ImageLayout::Nchw;
  if (shape[planar ? 3 : 2] == kUnknownDim && shape[planar ? 2 : 1] != kUnknownDim) {
    spec.resize = ResizeMode::FitHeight;
    spec.width = 1;
  }
  const bool gray = spec.order == ChannelOrder::Gray;
  if (!gray && isFloating(spec.type) && isPaddle(graph.value(graph.inputs()[0]), output)) {
    guessPaddle(output, spec);
    return spec;
  }
  const bool line = spec.resize == ResizeMode::FitHeight;
  if (!isFloating(spec.type)) { // bytes in: the model normalises by itself
    if (!gray) applyPreset("raw-rgb", spec);
  } else if (gray) {
    const bool digits = spec.width == 28 && spec.height == 28;
    spec.scale = 1.0f / 255.0f;
    spec.invert = digits ? Invert::IfLight : Invert::No;
    if (!line) spec.resize = digits ? ResizeMode::Stretch : ResizeMode::CropCenter;
  } else {
    // Keras models (NHWC) mostly take -1..1 (Inception, MobileNet, Xception), the others ImageNet's statistics.
    applyPreset(spec.layout == ImageLayout::Nhwc ? "minus-one-one" : "imagenet", spec);
    // Square inputs are classifiers as a rule; others (detectors, segmentation) want the whole picture.
    if (!line)
      spec.resize = spec.width == spec.height && spec.width <= 320 ? ResizeMode::CropCenter : ResizeMode::Stretch;
  }
  return spec;
}

} // namespace tandem
