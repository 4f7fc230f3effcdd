// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/cosine_window.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/window.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

/// num_mel_bins, dft_length and sample_rate, checked.
struct Extents {
  std::int64_t bands = 1, length = 1, rate = 1;
  std::int64_t bins() const { return length / 2 + 1; }
};

template <class Context>
Result<Extents> checkedExtents(const Context& context, std::int64_t bands, std::int64_t length, std::int64_t rate) {
  if (bands < 1 || length < 1 || rate < 1 || bands > kMaxWindowExtent || length > kMaxWindowExtent)
    return context.fail("num_mel_bins, dft_length and sample_rate must be positive");
  return Extents{bands, length, rate};
}

Result<void> infer(InferContext& context) {
  const DataType type = outputDatatype(context.node());
  if (type == DataType::Undefined)
    return makeError(ErrorCode::Unsupported, "output_datatype is not a number type",
                     "MelWeightMatrix '" + context.node().name + "'");
  const Tensor *bands = context.inputValue(0), *length = context.inputValue(1);
  Shape shape = unknownShape(2);
  if (bands && length && bands->elements() == 1 && length->elements() == 1) {
    const Extents extents = TANDEM_TRY(checkedExtents(context, bands->asInt(0), length->asInt(0), 1));
    shape = {extents.bins(), extents.bands};
  }
  context.setOutput(0, type, std::move(shape));
  return {};
}

/// Spectrogram bins at which the bands begin, peak and end: band i has edges i, i + 1 and i + 2.
std::vector<std::int64_t> bandEdges(const Extents& extents, double lowest, double highest) {
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double low = mel(lowest), step = (mel(highest) - low) / static_cast<double>(extents.bands + 2);
  std::vector<std::int64_t> edges;
  for (std::int64_t i = 0; i < extents.bands + 2; ++i) {
    const double hertz = 700 * (std::pow(10.0, (low + static_cast<double>(i) * step) / 2595) - 1);
    edges.push_back(convert<std::int64_t>(
        std::floor(static_cast<double>(extents.length + 1) * hertz / static_cast<double>(extents.rate))));
  }
  return edges;
}

Result<void> reference(ReferenceContext& context) {
  for (std::size_t i = 0; i < 5; ++i)
    if (context.input(i).elements() != 1) return context.fail("input " + std::to_string(i) + " is not one number");
  const Extents extents = TANDEM_TRY(
      checkedExtents(context, context.input(0).asInt(0), context.input(1).asInt(0), context.input(2).asInt(0)));
  const DataType type = outputDatatype(context.node());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, type, {extents.bins(), extents.bands}));
  const std::vector<std::int64_t> edges =
      bandEdges(extents, context.input(3).asDouble(0), context.input(4).asDouble(0));
  for (std::int64_t edge : edges)
    if (edge < 0 || edge > extents.bins())
      return context.fail("the band edges lie outside of the spectrum that the sample rate gives");
  const bool known = visitOneOf(NumericTypes{}, type, [&]<class T>(TypeTag<T>) {
    auto dst = y.mutableAs<T>();
    std::fill(dst.begin(), dst.end(), T());
    const auto put = [&](std::int64_t bin, std::size_t band, double value) {
      if (bin < extents.bins()) dst[static_cast<std::size_t>(bin * extents.bands) + band] = convert<T>(value);
    };
    for (std::size_t band = 0; band + 2 < edges.size(); ++band) {
      const std::int64_t begin = edges[band], peak = edges[band + 1], end = edges[band + 2];
      if (begin == peak) put(peak, band, 1);
      for (std::int64_t bin = begin; begin < peak && bin <= peak; ++bin)
        put(bin, band, static_cast<double>(bin - begin) / static_cast<double>(peak - begin));
      for (std::int64_t bin = peak; bin < end; ++bin)
        put(bin, band, static_cast<double>(end - bin) / static_cast<double>(end - peak));
    }
  });
  if (!known) return unsupportedType(context, type);
  return {};
}

} // namespace

// ONNX MelWeightMatrix: triangular bands, evenly spaced in mel, over the bins of a one-sided spectrum.
extern const OpDef kMelWeightMatrix = {.type = "MelWeightMatrix",
                                       .domain = "",
                                       .versions = {17},
                                       .minInputs = 5,
                                       .maxInputs = 5,
                                       .shapeInputs = 0b111,
                                       .infer = infer,
                                       .reference = reference};

} // namespace tandem::ops
