// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/preprocess.hpp"

#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
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
      if (weight == 0 && taps.weights.empty()) ++taps.first; // pixels at the ends that say nothing cost time
      if (weight == 0) continue;                             // between two that count there is none of these
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

/// Red, green, blue, and one number that nobody looks at: a register. Sums come out the same as one by one.
using Pixel = float __attribute__((vector_size(16)));
using WholePixel = std::int32_t __attribute__((vector_size(16)));

/// One line of source pixels, shrunk or enlarged sideways; `source` are pixels as floats, with one float after the
/// last.
void narrowLine(const float* source, const std::vector<Taps>& columns, std::uint8_t* out) {
  for (const Taps& taps : columns) {
    Pixel sum{};
    const float* at = source + static_cast<std::size_t>(taps.first) * 3;
    for (float weight : taps.weights) {
      Pixel pixel;
      std::memcpy(&pixel, at, sizeof pixel);
      sum += weight * pixel;
      at += 3;
    }
    const WholePixel whole = __builtin_convertvector(sum + 0.5f, WholePixel);
    for (int channel = 0; channel < 3; ++channel) *out++ = static_cast<std::uint8_t>(whole[channel]);
  }
}

/// Rounded to whole numbers after each direction, as Pillow does, whose pictures most models were trained on.
/// width * height * 3 bytes, rows from the top, red green blue.
std::vector<std::uint8_t> resized(const Image& image, const PreprocessSpec& spec) {
  const Mapping map = mappingFor(image.width, image.height, spec);
  const auto columns = tapsFor(map.targetWidth, map.sourceX, map.sourceWidth, image.width);
  const auto rows = tapsFor(map.targetHeight, map.sourceY, map.sourceHeight, image.height);
  const auto lineSize = static_cast<std::size_t>(map.targetWidth) * 3;
  const auto fullLine = static_cast<std::size_t>(spec.width) * 3;
  std::vector<std::uint8_t> result(fullLine * static_cast<std::size_t>(spec.height), 0);

  // Lines shrunk sideways, kept while the rows below still need them.
  const int top = rows.front().first;
  const int bottom = rows.back().first + static_cast<int>(rows.back().weights.size());
  std::vector<std::uint8_t> narrow(lineSize * static_cast<std::size_t>(bottom - top));
  const std::size_t sourceLine = static_cast<std::size_t>(image.width) * 3;
  const std::size_t left = static_cast<std::size_t>(columns.front().first) * 3;
  const std::size_t right = (static_cast<std::size_t>(columns.back().first) + columns.back().weights.size()) * 3;
  std::vector<float> floats(sourceLine + 1);
  for (int y = top; y < bottom; ++y) {
    const std::uint8_t* line = image.rgb.data() + static_cast<std::size_t>(y) * sourceLine;
    std::copy(line + left, line + right, floats.begin() + static_cast<std::ptrdiff_t>(left));
    narrowLine(floats.data(), columns, narrow.data() + lineSize * static_cast<std::size_t>(y - top));
  }
  std::vector<float> sums(lineSize);
  for (int y = 0; y < map.targetHeight; ++y) {
    const Taps& taps = rows[static_cast<std::size_t>(y)];
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (std::size_t k = 0; k < taps.weights.size(); ++k) {
      const std::uint8_t* line = narrow.data() + lineSize * (static_cast<std::size_t>(taps.first - top) + k);
      for (std::size_t i = 0; i < lineSize; ++i) sums[i] += taps.weights[k] * static_cast<float>(line[i]);
    }
    std::uint8_t* out = result.data() + static_cast<std::size_t>(map.targetY + y) * fullLine +
                        static_cast<std::size_t>(map.targetX) * 3;
    for (std::size_t i = 0; i < lineSize; ++i) out[i] = rounded(sums[i]);
  }
  return result;
}

/// Bright at the border: a dark thing on a light ground.
bool isLight(const std::vector<std::uint8_t>& pixels, int width, int height) {
  double sum = 0;
  std::int64_t count = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      if (x != 0 && y != 0 && x != width - 1 && y != height - 1) continue;
      const auto at = (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 3;
      sum += pixels[at] + pixels[at + 1] + pixels[at + 2];
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

Result<ResizedPicture> resizePicture(const Image& image, const PreprocessSpec& given) {
  PreprocessSpec spec = withWidth(given, image.width, image.height);
  if (!spec.takesPicture() || spec.width > kMaxSide || spec.height > kMaxSide)
    return makeError(ErrorCode::Usage,
                     "a model input of " + std::to_string(spec.width) + "x" + std::to_string(spec.height) +
                         " cannot take a picture",
                     "preprocessing", "give the size as resize=WIDTHxHEIGHT");
  const auto pixelCount = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  if (image.width <= 0 || image.height <= 0 || image.rgb.size() != pixelCount * 3)
    return makeError(ErrorCode::InputRejected, "the picture has no pixels", "preprocessing", "choose another picture");
  std::vector<std::uint8_t> rgb = resized(image, spec);
  return ResizedPicture{std::move(spec), std::move(rgb)};
}

Result<Tensor> pictureTensor(ResizedPicture picture) {
  const PreprocessSpec& spec = picture.spec;
  std::vector<std::uint8_t>& pixels = picture.rgb;
  for (float deviation : spec.std)
    if (!(deviation != 0) || !std::isfinite(deviation))
      return makeError(ErrorCode::Usage, "the deviation must not be zero", "preprocessing",
                       "std=1 leaves values alone");
  if (byteSize(spec.type) == 0)
    return makeError(ErrorCode::Usage, "a picture cannot become a tensor of this type", "preprocessing",
                     "type=float32");
  const std::size_t area = static_cast<std::size_t>(spec.width) * static_cast<std::size_t>(spec.height);
  if (spec.width <= 0 || spec.height <= 0 || pixels.size() != area * 3)
    return makeError(ErrorCode::InputRejected, "the picture has no pixels", "preprocessing", "choose another picture");
  if (spec.invert == Invert::Yes || (spec.invert == Invert::IfLight && isLight(pixels, spec.width, spec.height)))
    for (std::uint8_t& value : pixels) value = static_cast<std::uint8_t>(255 - value);

  const bool gray = spec.order == ChannelOrder::Gray;
  const std::size_t channels = gray ? 1 : 3;
  const auto c = static_cast<std::int64_t>(channels);
  const bool planar = spec.layout == ImageLayout::Nchw;
  const Shape shape = planar ? Shape{1, c, spec.height, spec.width} : Shape{1, spec.height, spec.width, c};
  Tensor tensor = Tensor::uninitialized({spec.type, shape});
  visitType(spec.type, [&]<class T>(TypeTag<T>) {
    const auto element = [&](float value, std::size_t channel) {
      return converted<T>((value * spec.scale - spec.mean[channel]) / spec.std[channel]);
    };
    T* out = tensor.mutableAs<T>().data();
    if (gray) {
      for (std::size_t i = 0; i < area; ++i) {
        const std::uint8_t* pixel = &pixels[i * 3];
        out[i] = element(0.299f * static_cast<float>(pixel[0]) + 0.587f * static_cast<float>(pixel[1]) +
                             0.114f * static_cast<float>(pixel[2]),
                         0);
      }
      return;
    }
    // A pixel has 256 values, and every one of them becomes the same number each time.
    std::array<std::array<T, 256>, 3> numbers;
    for (std::size_t channel = 0; channel < 3; ++channel)
      for (std::size_t value = 0; value < 256; ++value)
        numbers[channel][value] = element(static_cast<float>(value), channel);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const std::uint8_t* from = pixels.data() + (spec.order == ChannelOrder::Bgr ? 2 - channel : channel);
      T* to = planar ? out + channel * area : out + channel;
      const std::size_t step = planar ? 1 : 3;
      for (std::size_t i = 0; i < area; ++i) to[i * step] = numbers[channel][from[i * 3]];
    }
  });
  return tensor;
}

Result<Tensor> preprocess(const Image& image, const PreprocessSpec& spec) {
  return pictureTensor(TANDEM_TRY(resizePicture(image, spec)));
}

} // namespace tandem
