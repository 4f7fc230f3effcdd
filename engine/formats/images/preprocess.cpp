// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/preprocess.hpp"

#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem {
namespace {

constexpr int kMaxSide = 8192;

/// The source pixels that one target pixel is made of.
struct Taps {
  int first = 0;
  std::vector<float> weights; ///< sum 1
};

/// Taps for `count` target pixels that cover `extent` source pixels from `start`, within a line of `size` pixels.
/// Pixel centres are at half coordinates in both; a triangle as wide as one target pixel, at least one source pixel.
std::vector<Taps> tapsFor(int count, double start, double extent, int size) {
  std::vector<Taps> all(static_cast<std::size_t>(count));
  const double step = extent / count;
  const double radius = std::max(step, 1.0);
  for (int i = 0; i < count; ++i) {
    const double centre = start + (i + 0.5) * step;
    const int first = std::clamp(static_cast<int>(std::floor(centre - radius)), 0, size - 1);
    const int last = std::clamp(static_cast<int>(std::ceil(centre + radius)), first, size - 1);
    Taps& taps = all[static_cast<std::size_t>(i)];
    taps.first = first;
    double sum = 0;
    for (int at = first; at <= last; ++at) {
      const double weight = std::max(0.0, 1.0 - std::abs(at + 0.5 - centre) / radius);
      taps.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    if (sum <= 0) {
      taps.weights.assign(1, 1);
      taps.first = std::clamp(static_cast<int>(centre), 0, size - 1);
      continue;
    }
    for (float& weight : taps.weights) weight = static_cast<float>(weight / sum);
  }
  return all;
}

/// Where the picture goes: a part of the source to a part of the target.
struct Mapping {
  double sourceX = 0, sourceY = 0, sourceWidth = 0, sourceHeight = 0;
  int targetX = 0, targetY = 0, targetWidth = 0, targetHeight = 0;
};

Mapping mappingFor(int width, int height, const PreprocessSpec& spec) {
  Mapping map{0, 0, static_cast<double>(width), static_cast<double>(height), 0, 0, spec.width, spec.height};
  const double zoomX = static_cast<double>(spec.width) / width;
  const double zoomY = static_cast<double>(spec.height) / height;
  if (spec.resize == ResizeMode::CropCenter) {
    const double zoom = std::max({zoomX, zoomY, static_cast<double>(spec.shortSide) / std::min(width, height)});
    map.sourceWidth = spec.width / zoom;
    map.sourceHeight = spec.height / zoom;
    map.sourceX = (width - map.sourceWidth) / 2;
    map.sourceY = (height - map.sourceHeight) / 2;
  } else if (spec.resize == ResizeMode::Letterbox) {
    const double zoom = std::min(zoomX, zoomY);
    map.targetWidth = std::clamp(static_cast<int>(std::lround(width * zoom)), 1, spec.width);
    map.targetHeight = std::clamp(static_cast<int>(std::lround(height * zoom)), 1, spec.height);
    map.targetX = (spec.width - map.targetWidth) / 2;
    map.targetY = (spec.height - map.targetHeight) / 2;
  }
  return map;
}

/// The spec with a width of its own where that follows the picture.
PreprocessSpec withWidth(PreprocessSpec spec, int imageWidth, int imageHeight) {
  if (spec.resize != ResizeMode::FitHeight || imageWidth <= 0 || imageHeight <= 0) return spec;
  const double width = static_cast<double>(spec.height) * imageWidth / imageHeight;
  spec.width = std::clamp(static_cast<int>(std::ceil(std::min(width, 1e6))), 8, kMaxSide);
  return spec;
}

std::uint8_t rounded(float value) { return static_cast<std::uint8_t>(value + 0.5f); }

/// Rounded to whole numbers after each direction, as Pillow does, whose pictures most models were trained on.
/// width * height * 3 floats of 0..255, rows from the top, red green blue.
std::vector<float> resized(const Image& image, const PreprocessSpec& spec) {
  const Mapping map = mappingFor(image.width, image.height, spec);
  const auto columns = tapsFor(map.targetWidth, map.sourceX, map.sourceWidth, image.width);
  const auto rows = tapsFor(map.targetHeight, map.sourceY, map.sourceHeight, image.height);
  const auto lineSize = static_cast<std::size_t>(map.targetWidth) * 3;
  const auto fullLine = static_cast<std::size_t>(spec.width) * 3;
  std::vector<float> result(fullLine * static_cast<std::size_t>(spec.height), 0.0f);

  // Lines shrunk sideways, kept while the rows below still need them.
  const int top = rows.front().first;
  const int bottom = rows.back().first + static_cast<int>(rows.back().weights.size());
  std::vector<std::uint8_t> narrow(lineSize * static_cast<std::size_t>(bottom - top));
  for (int y = top; y < bottom; ++y) {
    const std::uint8_t* source =
        image.rgb.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) * 3;
    std::uint8_t* line = narrow.data() + lineSize * static_cast<std::size_t>(y - top);
    for (const Taps& taps : columns) {
      float red = 0, green = 0, blue = 0;
      const std::uint8_t* pixel = source + static_cast<std::size_t>(taps.first) * 3;
      for (float weight : taps.weights) {
        red += weight * static_cast<float>(pixel[0]);
        green += weight * static_cast<float>(pixel[1]);
        blue += weight * static_cast<float>(pixel[2]);
        pixel += 3;
      }
      *line++ = rounded(red);
      *line++ = rounded(green);
      *line++ = rounded(blue);
    }
  }
  for (int y = 0; y < map.targetHeight; ++y) {
    const Taps& taps = rows[static_cast<std::size_t>(y)];
    float* out = result.data() + static_cast<std::size_t>(map.targetY + y) * fullLine +
                 static_cast<std::size_t>(map.targetX) * 3;
    for (std::size_t k = 0; k < taps.weights.size(); ++k) {
      const std::uint8_t* line = narrow.data() + lineSize * (static_cast<std::size_t>(taps.first - top) + k);
      for (std::size_t i = 0; i < lineSize; ++i) out[i] += taps.weights[k] * static_cast<float>(line[i]);
    }
    for (std::size_t i = 0; i < lineSize; ++i) out[i] = static_cast<float>(rounded(out[i]));
  }
  return result;
}

/// Bright at the border: a dark thing on a light ground.
bool isLight(const std::vector<float>& pixels, int width, int height) {
  double sum = 0;
  std::int64_t count = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      if (x != 0 && y != 0 && x != width - 1 && y != height - 1) continue;
      const auto at = (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 3;
      sum += static_cast<double>(pixels[at] + pixels[at + 1] + pixels[at + 2]);
      count += 3;
    }
  return sum > 127.5 * static_cast<double>(count);
}

template <class T> T converted(float value) {
  if constexpr (std::is_same_v<T, bool>)
    return value != 0;
  else if constexpr (std::is_integral_v<T>) {
    const float whole = std::nearbyint(value);
    if (!(whole > static_cast<float>(std::numeric_limits<T>::lowest()))) return std::numeric_limits<T>::lowest();
    if (whole >= static_cast<float>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(whole);
  } else
    return static_cast<T>(value);
}

} // namespace

PictureMapping mappingOf(int imageWidth, int imageHeight, const PreprocessSpec& given) {
  const PreprocessSpec spec = withWidth(given, imageWidth, imageHeight);
  const Mapping map = mappingFor(imageWidth, imageHeight, spec);
  PictureMapping result;
  result.scaleX = map.sourceWidth * spec.width / map.targetWidth;
  result.scaleY = map.sourceHeight * spec.height / map.targetHeight;
  result.x0 = map.sourceX - map.sourceWidth * map.targetX / map.targetWidth;
  result.y0 = map.sourceY - map.sourceHeight * map.targetY / map.targetHeight;
  return result;
}

Result<Tensor> preprocess(const Image& image, const PreprocessSpec& given) {
  const PreprocessSpec spec = withWidth(given, image.width, image.height);
  if (!spec.takesPicture() || spec.width > kMaxSide || spec.height > kMaxSide)
    return makeError(ErrorCode::Usage,
                     "a model input of " + std::to_string(spec.width) + "x" + std::to_string(spec.height) +
                         " cannot take a picture",
                     "preprocessing", "give the size as resize=WIDTHxHEIGHT");
  for (float deviation : spec.std)
    if (!(deviation != 0) || !std::isfinite(deviation))
      return makeError(ErrorCode::Usage, "the deviation must not be zero", "preprocessing",
                       "std=1 leaves values alone");
  const auto pixelCount = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  if (image.width <= 0 || image.height <= 0 || image.rgb.size() != pixelCount * 3)
    return makeError(ErrorCode::InputRejected, "the picture has no pixels", "preprocessing", "choose another picture");

  std::vector<float> pixels = resized(image, spec);
  if (spec.invert == Invert::Yes || (spec.invert == Invert::IfLight && isLight(pixels, spec.width, spec.height)))
    for (float& value : pixels) value = 255 - value;

  const bool gray = spec.order == ChannelOrder::Gray;
  const std::size_t channels = gray ? 1 : 3;
  const std::size_t area = static_cast<std::size_t>(spec.width) * static_cast<std::size_t>(spec.height);
  const auto c = static_cast<std::int64_t>(channels);
  const bool planar = spec.layout == ImageLayout::Nchw;
  const Shape shape = planar ? Shape{1, c, spec.height, spec.width} : Shape{1, spec.height, spec.width, c};
  if (byteSize(spec.type) == 0)
    return makeError(ErrorCode::Usage, "a picture cannot become a tensor of this type", "preprocessing",
                     "type=float32");
  Tensor tensor = Tensor::uninitialized({spec.type, shape});
  visitType(spec.type, [&]<class T>(TypeTag<T>) {
    auto out = tensor.mutableAs<T>();
    for (std::size_t i = 0; i < area; ++i) {
      const float* pixel = &pixels[i * 3];
      for (std::size_t channel = 0; channel < channels; ++channel) {
        float value = pixel[spec.order == ChannelOrder::Bgr ? 2 - channel : channel];
        if (gray) value = 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
        value = (value * spec.scale - spec.mean[channel]) / spec.std[channel];
        out[planar ? channel * area + i : i * channels + channel] = converted<T>(value);
      }
    }
  });
  return tensor;
}

} // namespace tandem
