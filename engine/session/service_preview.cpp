// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/audio/audio_spec.hpp"
#include "engine/session/input_files.hpp"
#include "engine/session/service.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

/// RFC 4648, section 4: pixels travel in a message of text.
std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(bytes.size() - i, 3);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < left ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= left ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

/// The tensor as a picture: its channels in their own order as red, green, blue, so that a wrong order is seen; scaled
/// back by the spec, so that it is not a picture of deviations.
Json pictureOf(const Tensor& tensor, const PreprocessSpec& spec) {
  const bool planar = spec.layout == ImageLayout::Nchw;
  const Shape& shape = tensor.shape();
  const std::int64_t channels = shape[planar ? 1 : 3];
  const std::int64_t height = shape[planar ? 2 : 1];
  const std::int64_t width = shape[planar ? 3 : 2];
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(width * height * 3));
  double least = tensor.asDouble(0), most = least;
  for (std::int64_t at = 0; at < width * height; ++at)
    for (std::int64_t c = 0; c < 3; ++c) {
      const std::int64_t channel = std::min(c, channels - 1);
      const double value = tensor.asDouble(planar ? channel * width * height + at : at * channels + channel);
      least = std::min(least, value), most = std::max(most, value);
      const auto k = static_cast<std::size_t>(channel);
      const double pixel = (value * static_cast<double>(spec.std[k]) + static_cast<double>(spec.mean[k])) /
                           (spec.scale != 0 ? static_cast<double>(spec.scale) : 1);
      rgb[static_cast<std::size_t>(at * 3 + c)] = static_cast<std::uint8_t>(std::clamp(std::round(pixel), 0.0, 255.0));
    }
  return {{"kind", "picture"},
          {"width", width},
          {"height", height},
          {"rgb", base64(rgb)},
          {"minimum", least},
          {"maximum", most},
          {"desc", tensor.desc().toString()}};
}

/// The loudest sample each way in every part of the recording: what a waveform drawing needs.
Json waveOf(const InputSet& input) {
  constexpr std::int64_t kParts = 600;
  Json low = Json::array(), high = Json::array();
  const std::int64_t parts = std::min(input.steps, kParts);
  for (std::int64_t part = 0; part < parts; ++part) {
    double least = 0, most = 0;
    const std::int64_t end = std::max(part * input.steps / parts + 1, (part + 1) * input.steps / parts);
    for (std::int64_t step = part * input.steps / parts; step < end; ++step) {
      const Tensor samples = input.step(step);
      for (std::int64_t i = 0; i < samples.elements(); ++i)
        least = std::min(least, samples.asDouble(i)), most = std::max(most, samples.asDouble(i));
    }
    low.push_back(least);
    high.push_back(most);
  }
  return {{"kind", "sound"},
          {"low", std::move(low)},
          {"high", std::move(high)},
          {"seconds", static_cast<double>(input.steps) * input.stepSeconds}};
}

} // namespace

Result<Json> previewInput(const Job& job) {
  const auto document = TANDEM_TRY(documentOf(job));
  InputOptions options = TANDEM_TRY(decodeInputOptions(job.params));
  const InputReader reader = TANDEM_TRY(InputReader::create(*document, std::move(options)));
  const InputSet input = TANDEM_TRY(reader.read(0));
  Json json{{"kind", "tensors"}};
  if (input.preprocess)
    json = pictureOf(input.tensors.front(), *input.preprocess);
  else if (input.stepSeconds > 0 && input.step)
    json = waveOf(input);
  json["input"] = input.label;
  json["notes"] = input.notes;
  return json;
}

} // namespace tandem::session
