// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/images/image.hpp"
#include "engine/graph/graph.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace tandem {

/// How a picture of another shape is brought to the model's width and height.
enum class ResizeMode {
  Stretch,    ///< both sides on their own; boxes scale back simply
  CropCenter, ///< keep the proportions, cut off what stands out
  Letterbox,  ///< keep the proportions, fill up with black
  FitHeight,  ///< keep the proportions; the width follows the picture, as readers of text lines take it
};
enum class ChannelOrder { Rgb, Bgr, Gray };
enum class ImageLayout { Nchw, Nhwc };
/// Models of white digits on black get pictures of black digits on white turned round.
enum class Invert { No, Yes, IfLight };

/// From a picture to an input tensor of batch 1: element = (pixel * scale - mean[channel]) / std[channel], with pixels
/// of 0..255 and channels in the order of the tensor.
struct PreprocessSpec {
  int width = 224; ///< 0: the model takes no picture
  int height = 224;
  ResizeMode resize = ResizeMode::CropCenter;
  /// With CropCenter: the shorter side becomes this long before width x height are cut out of the middle (torchvision's
  /// "resize 256, crop 224"); 0: as short as possible.
  int shortSide = 0;
  ChannelOrder order = ChannelOrder::Rgb;
  ImageLayout layout = ImageLayout::Nchw;
  Invert invert = Invert::No;
  float scale = 1;
  std::array<float, 3> mean{};
  std::array<float, 3> std{1, 1, 1};
  DataType type = DataType::Float32;
  /// True where the model's own names say what it wants; false: a guess that the user should look at.
  bool certain = false;

  bool takesPicture() const { return width > 0 && height > 0; }
  friend bool operator==(const PreprocessSpec&, const PreprocessSpec&) = default;
};

/// "resize=224x224,crop=center,order=bgr,scale=1,mean=0,std=1,layout=nchw,invert=no,type=float32"; three different
/// means or deviations are "mean=0.485:0.456:0.406"; a short side is "resize=256,crop=224x224", a width that follows
/// the picture "resize=autox32". `certain` is not part of it.
std::string toString(const PreprocessSpec& spec);
/// Reads that form; every key may be missing and then keeps the value in `base`. A number may be a fraction ("1/255").
/// The first item may be the name of a preset. Items may be separated by blanks, lists by commas. A spec that a person
/// wrote is certain. Errors: Usage.
Result<PreprocessSpec> parsePreprocess(std::string_view text, const PreprocessSpec& base = {});

/// Names of presets: raw-bgr, raw-rgb, imagenet, unit, unit-bgr, minus-one-one, mnist, ultraface.
std::vector<std::string_view> preprocessPresets();
/// Sets channel order, scale, mean, deviation and inversion; keeps size, resize mode, layout and type. False for an
/// unknown name.
bool applyPreset(std::string_view name, PreprocessSpec& spec);

/// Guesses from the graph's first input (and, for known families, from tensor names). Sizes that the model leaves open
/// become 224. A model whose first input is no picture gets width 0.
PreprocessSpec guessPreprocess(const Graph& graph);

/// Where the model's picture lies in the original: a point at parts u, v (0..1) of the input's width and height is at
/// pixel x0 + scaleX * u, y0 + scaleY * v of the original.
struct PictureMapping {
  double x0 = 0, y0 = 0, scaleX = 0, scaleY = 0;
};
PictureMapping mappingOf(int imageWidth, int imageHeight, const PreprocessSpec& spec);

/// A picture brought to the model's size: red, green, blue, 8 bits each, rows from the top.
struct ResizedPicture {
  PreprocessSpec spec; ///< with a width of its own where that follows the picture
  std::vector<std::uint8_t> rgb;
};

/// Resizes with a triangle filter (bilinear when enlarging, and wide enough not to skip pixels when shrinking). Errors:
/// Usage for a spec that makes no sense. Any thread.
Result<ResizedPicture> resizePicture(const Image& image, const PreprocessSpec& spec);
/// Inverts where the spec says so, and converts. Gray is the ITU-R BT.601 luma. Errors: Usage. Any thread.
Result<Tensor> pictureTensor(ResizedPicture picture);

/// Both of them.
Result<Tensor> preprocess(const Image& image, const PreprocessSpec& spec);

} // namespace tandem
