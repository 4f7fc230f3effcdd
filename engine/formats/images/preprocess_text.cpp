// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/preprocess.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tandem {
namespace {

template <class T> struct Word {
  std::string_view text;
  T value;
};

constexpr std::array kResizeModes{Word<ResizeMode>{"none", ResizeMode::Stretch},
                                  Word<ResizeMode>{"center", ResizeMode::CropCenter},
                                  Word<ResizeMode>{"letterbox", ResizeMode::Letterbox}};
constexpr std::array kOrders{Word<ChannelOrder>{"rgb", ChannelOrder::Rgb}, Word<ChannelOrder>{"bgr", ChannelOrder::Bgr},
                             Word<ChannelOrder>{"gray", ChannelOrder::Gray}};
constexpr std::array kLayouts{Word<ImageLayout>{"nchw", ImageLayout::Nchw},
                              Word<ImageLayout>{"nhwc", ImageLayout::Nhwc}};
constexpr std::array kInverts{Word<Invert>{"no", Invert::No}, Word<Invert>{"yes", Invert::Yes},
                              Word<Invert>{"auto", Invert::IfLight}};

struct Preset {
  std::string_view name;
  ChannelOrder order;
  float scale;
  std::array<float, 3> mean;
  std::array<float, 3> std;
  Invert invert = Invert::No;
};

constexpr float kUnit = 1.0f / 255.0f;
constexpr std::array kPresets{
    Preset{"raw-bgr", ChannelOrder::Bgr, 1, {0, 0, 0}, {1, 1, 1}},
    Preset{"raw-rgb", ChannelOrder::Rgb, 1, {0, 0, 0}, {1, 1, 1}},
    // Means and deviations of the ImageNet training pictures, as torchvision's models use them.
    Preset{"imagenet", ChannelOrder::Rgb, kUnit, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
    Preset{"unit", ChannelOrder::Rgb, kUnit, {0, 0, 0}, {1, 1, 1}},
    Preset{"unit-bgr", ChannelOrder::Bgr, kUnit, {0, 0, 0}, {1, 1, 1}},
    Preset{"minus-one-one", ChannelOrder::Rgb, 1, {127.5f, 127.5f, 127.5f}, {127.5f, 127.5f, 127.5f}},
    Preset{"mnist", ChannelOrder::Gray, 1, {0, 0, 0}, {1, 1, 1}, Invert::IfLight},
    Preset{"ultraface", ChannelOrder::Rgb, 1, {127, 127, 127}, {128, 128, 128}},
};

template <class Words, class T> std::string_view wordFor(const Words& words, T value) {
  for (const auto& word : words)
    if (word.value == value) return word.text;
  return {};
}

template <class Words, class T> bool readWord(const Words& words, std::string_view text, T& value) {
  for (const auto& word : words)
    if (word.text == text) return value = word.value, true;
  return false;
}

std::string numberText(float value) {
  char text[32];
  auto [end, status] = std::to_chars(text, text + sizeof text, value);
  return std::string(text, status == std::errc() ? end : text);
}

std::string listText(const std::array<float, 3>& values) {
  if (values[0] == values[1] && values[1] == values[2]) return numberText(values[0]);
  return numberText(values[0]) + ":" + numberText(values[1]) + ":" + numberText(values[2]);
}

template <class T> bool readPlain(std::string_view text, T& value) {
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc() && end == text.data() + text.size();
}

bool readNumber(std::string_view text, float& value) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return readPlain(text, value) && std::isfinite(value);
  float top = 0;
  float bottom = 0;
  if (!readPlain(text.substr(0, slash), top) || !readPlain(text.substr(slash + 1), bottom)) return false;
  value = top / bottom;
  return std::isfinite(value);
}

bool readList(std::string_view text, std::array<float, 3>& values) {
  float single = 0;
  if (text.find(':') == std::string_view::npos) return readNumber(text, single) && (values.fill(single), true);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t end = i < 2 ? text.find(':') : text.size();
    if (end == std::string_view::npos || !readNumber(text.substr(0, end), values[i])) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

bool readSides(std::string_view text, PreprocessSpec& spec) {
  const std::size_t cross = text.find('x');
  return cross != std::string_view::npos && readPlain(text.substr(0, cross), spec.width) &&
         readPlain(text.substr(cross + 1), spec.height) && spec.takesPicture();
}

/// "224x224", "256" (the shorter side) or "autox32".
bool readResize(std::string_view text, PreprocessSpec& spec) {
  if (text.starts_with("autox")) {
    spec.resize = ResizeMode::FitHeight;
    spec.shortSide = 0;
    spec.width = std::max(spec.width, 1);
    return readPlain(text.substr(5), spec.height) && spec.takesPicture();
  }
  if (spec.resize == ResizeMode::FitHeight) spec.resize = ResizeMode::Stretch;
  if (text.find('x') == std::string_view::npos) {
    spec.resize = ResizeMode::CropCenter;
    return readPlain(text, spec.shortSide) && spec.shortSide > 0 && spec.shortSide <= 16384;
  }
  spec.shortSide = 0;
  return readSides(text, spec);
}

/// A mode, or the size to cut out of the middle: "224" or "224x224".
bool readCrop(std::string_view text, PreprocessSpec& spec) {
  if (readWord(kResizeModes, text, spec.resize)) return true;
  spec.resize = ResizeMode::CropCenter;
  if (text.find('x') != std::string_view::npos) return readSides(text, spec);
  if (!readPlain(text, spec.width)) return false;
  spec.height = spec.width;
  return spec.takesPicture();
}

bool readType(std::string_view text, DataType& type) {
  auto known = dataTypeFrom(text);
  return known && byteSize(*known) > 0 && (type = *known, true);
}

bool readItem(std::string_view key, std::string_view value, PreprocessSpec& spec) {
  if (key == "resize") return readResize(value, spec);
  if (key == "crop") return readCrop(value, spec);
  if (key == "order") return readWord(kOrders, value, spec.order);
  if (key == "layout") return readWord(kLayouts, value, spec.layout);
  if (key == "invert") return readWord(kInverts, value, spec.invert);
  if (key == "scale") return readNumber(value, spec.scale);
  if (key == "mean") return readList(value, spec.mean);
  if (key == "std") return readList(value, spec.std) && spec.std[0] != 0 && spec.std[1] != 0 && spec.std[2] != 0;
  if (key == "type") return readType(value, spec.type);
  return false;
}

} // namespace

std::string toString(const PreprocessSpec& spec) {
  const std::string size = std::to_string(spec.width) + "x" + std::to_string(spec.height);
  const bool shortSide = spec.resize == ResizeMode::CropCenter && spec.shortSide > 0;
  std::string text = "resize=" + size;
  if (shortSide) text = "resize=" + std::to_string(spec.shortSide) + ",crop=" + size;
  if (spec.resize == ResizeMode::FitHeight) text = "resize=autox" + std::to_string(spec.height);
  const auto item = [&](const char* key, std::string_view value) {
    text.append(",").append(key).append("=").append(value);
  };
  if (!shortSide && spec.resize != ResizeMode::FitHeight) item("crop", wordFor(kResizeModes, spec.resize));
  item("order", wordFor(kOrders, spec.order));
  item("scale", numberText(spec.scale));
  item("mean", listText(spec.mean));
  item("std", listText(spec.std));
  item("layout", wordFor(kLayouts, spec.layout));
  item("invert", wordFor(kInverts, spec.invert));
  item("type", toString(spec.type));
  return text;
}

namespace {

/// The text's items. A number that stands alone continues the list before it: "mean=0.485,0.456,0.406" is one item.
std::vector<std::string> itemsOf(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(", \t\n"), text.size());
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    float number = 0;
    const bool list = !items.empty() && (items.back().starts_with("mean=") || items.back().starts_with("std="));
    if (list && readNumber(item, number))
      items.back().append(":").append(item);
    else
      items.emplace_back(item);
  }
  return items;
}

} // namespace

Result<PreprocessSpec> parsePreprocess(std::string_view text, const PreprocessSpec& base) {
  PreprocessSpec spec = base;
  bool first = true;
  for (const std::string& item : itemsOf(text)) {
    const std::size_t equals = item.find('=');
    const bool good = equals == std::string::npos ? first && applyPreset(item, spec)
                                                  : readItem(item.substr(0, equals), item.substr(equals + 1), spec);
    if (!good)
      return makeError(ErrorCode::Usage, "cannot read '" + item + "'", "preprocessing",
                       "for example imagenet,resize=224x224 or " + toString(PreprocessSpec{}));
    first = false;
  }
  if (spec.resize == ResizeMode::CropCenter && spec.shortSide > 0 && spec.shortSide < std::max(spec.width, spec.height))
    return makeError(ErrorCode::Usage,
                     "a shorter side of " + std::to_string(spec.shortSide) + " is less than the " +
                         std::to_string(spec.width) + "x" + std::to_string(spec.height) + " to be cut out",
                     "preprocessing", "for example resize=256,crop=224");
  spec.certain = true;
  return spec;
}

std::vector<std::string_view> preprocessPresets() {
  std::vector<std::string_view> names;
  for (const Preset& preset : kPresets) names.push_back(preset.name);
  return names;
}

bool applyPreset(std::string_view name, PreprocessSpec& spec) {
  for (const Preset& preset : kPresets) {
    if (preset.name != name) continue;
    spec.order = preset.order;
    spec.scale = preset.scale;
    spec.mean = preset.mean;
    spec.std = preset.std;
    spec.invert = preset.invert;
    return true;
  }
  return false;
}

} // namespace tandem
