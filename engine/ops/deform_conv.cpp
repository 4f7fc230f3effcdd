// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/conv_common.hpp"
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/matrix.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

enum Input : std::size_t { kX, kWeights, kOffsets, kBias, kModulation };

struct Geometry {
  ConvGeometry conv;
  std::int64_t offsetGroups = 1;

  std::int64_t channelsPerOffsetGroup() const { return conv.inputChannels / offsetGroups; }
};

/// `offsets` and `modulation` are null where left out or not known.
Result<Geometry> geometryOf(const Node& node, const Shape& x, const Shape& w, const Shape* offsets,
                            const Shape* modulation) {
  Geometry g;
  g.conv = TANDEM_TRY(convGeometry(node, x, w));
  g.offsetGroups = node.attributes.getInt("offset_group", 1);
  const ConvGeometry& c = g.conv;
  if (g.offsetGroups < 1 || (c.inputChannels != kUnknownDim && c.inputChannels % g.offsetGroups != 0))
    return nodeError(node, "offset_group does not divide the channels");
  const Shape output = c.outputShape();
  if (!output.isStatic() || !w.isStatic()) return g;
  const auto rank = static_cast<std::int64_t>(c.spatialRank);
  const auto checkShape = [&](const Shape* shape, std::int64_t perTap) -> Result<void> {
    if (!shape || !shape->isStatic()) return {};
    Shape wanted = output;
    wanted[1] = g.offsetGroups * c.kernelPositions() * perTap;
    if (*shape == wanted) return {};
    return nodeError(node, "offsets or mask " + shape->toString() + " are not " + wanted.toString());
  };
  TANDEM_TRY(checkShape(offsets, rank));
  TANDEM_TRY(checkShape(modulation, 1));
  return g;
}

/// The corners around one sampling position, with weights that sum up to the modulation; none outside of the input.
struct Sample {
  int count = 0;
  std::array<std::int64_t, 8> at{};
  std::array<double, 8> weight{};
};

/// `position` holds one coordinate per axis of `axes`.
Sample sampleAt(const WindowAxes& axes, const std::array<double, kWindowAxes>& position, double modulation) {
  Sample sample;
  std::array<std::int64_t, kWindowAxes> low{};
  std::array<double, kWindowAxes> fraction{};
  for (std::size_t i = 0; i < kWindowAxes; ++i) {
    if (!(position[i] > -1 && position[i] < static_cast<double>(axes[i].input))) return sample; // and for NaN
    low[i] = static_cast<std::int64_t>(std::floor(position[i]));
    fraction[i] = position[i] - static_cast<double>(low[i]);
  }
  for (unsigned corner = 0; corner < 8; ++corner) {
    double weight = modulation;
    std::int64_t at = 0;
    for (std::size_t i = 0; i < kWindowAxes; ++i) {
      const bool high = (corner >> i) & 1u;
      const std::int64_t index = low[i] + (high ? 1 : 0);
      if (index < 0 || index >= axes[i].input) weight = 0;
      weight *= high ? fraction[i] : 1 - fraction[i];
      at = at * axes[i].input + index;
    }
    if (weight == 0) continue;
    sample.at[static_cast<std::size_t>(sample.count)] = at;
    sample.weight[static_cast<std::size_t>(sample.count++)] = weight;
  }
  return sample;
}

template <class C> class DeformKernel {
 public:
  DeformKernel(ReferenceContext& context, const Geometry& geometry)
      : g(geometry),
        c(geometry.conv),
        m_x(context.input(kX)),
        m_weights(context.input(kWeights)),
        m_offsets(context.input(kOffsets)),
        m_column(static_cast<std::size_t>(c.inputChannels * c.kernelPositions())) {
    if (context.hasInput(kBias)) m_bias.emplace(context.input(kBias));
    if (context.hasInput(kModulation)) m_modulation.emplace(context.input(kModulation));
  }

  void run(Results<C>& y) {
    const std::int64_t positions = c.outputPositions(), perGroup = c.outputChannelsPerGroup();
    const std::int64_t depth = c.inputChannelsPerGroup() * c.kernelPositions();
    for (std::int64_t n = 0; n < c.batch; ++n)
      for (std::int64_t p = 0; p < positions; ++p) {
        gather(n, p);
        for (std::int64_t m = 0; m < c.outputChannels; ++m) {
          const C product = dotProduct(depth, m_weights.data() + m * depth, m_column.data() + m / perGroup * depth);
          y[(n * c.outputChannels + m) * positions + p] = product + (m_bias ? (*m_bias)[m] : C(0));
        }
      }
  }

 private:
  /// What the window of output position p reads: [channel][tap].
  void gather(std::int64_t n, std::int64_t p) {
    const std::int64_t taps = c.kernelPositions(), plane = c.inputPositions(), perGroup = g.channelsPerOffsetGroup();
    for (std::int64_t group = 0; group < g.offsetGroups; ++group)
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const Sample sample = sampleOf(n, group, tap, p);
        for (std::int64_t channel = group * perGroup; channel < (group + 1) * perGroup; ++channel) {
          const C* src = m_x.data() + (n * c.inputChannels + channel) * plane;
          double sum = 0;
          for (int i = 0; i < sample.count; ++i)
            sum += sample.weight[static_cast<std::size_t>(i)] *
                   static_cast<double>(src[sample.at[static_cast<std::size_t>(i)]]);
          m_column[static_cast<std::size_t>(channel * taps + tap)] = static_cast<C>(sum);
        }
      }
  }

  Sample sampleOf(std::int64_t n, std::int64_t group, std::int64_t tap, std::int64_t p) const {
    const std::int64_t positions = c.outputPositions(), taps = c.kernelPositions();
    const auto rank = static_cast<std::int64_t>(c.spatialRank);
    const std::int64_t at = (n * g.offsetGroups + group) * taps + tap;
    std::array<double, kWindowAxes> position{};
    std::int64_t tapRest = tap, outRest = p;
    for (std::size_t i = kWindowAxes; i-- > 0;) {
      const WindowAxis& axis = c.axes[i];
      position[i] = static_cast<double>(outRest % axis.output * axis.stride - axis.padBegin +
                                        tapRest % axis.kernel * axis.dilation);
      outRest /= axis.output;
      tapRest /= axis.kernel;
      const std::int64_t coordinate = static_cast<std::int64_t>(i) - (static_cast<std::int64_t>(kWindowAxes) - rank);
      if (coordinate >= 0) position[i] += static_cast<double>(m_offsets[(at * rank + coordinate) * positions + p]);
    }
    const double modulation = m_modulation ? static_cast<double>((*m_modulation)[at * positions + p]) : 1;
    return sampleAt(c.axes, position, modulation);
  }

  const Geometry& g;
  const ConvGeometry& c;
  Elements<C> m_x, m_weights, m_offsets;
  std::optional<Elements<C>> m_bias, m_modulation;
  std::vector<C> m_column;
};

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(kX);
  const Shape* modulation = context.hasInput(kModulation) ? &context.input(kModulation).shape() : nullptr;
  const Geometry g = TANDEM_TRY(geometryOf(context.node(), x.shape(), context.input(kWeights).shape(),
                                           &context.input(kOffsets).shape(), modulation));
  for (std::size_t index = 0; index < context.inputCount(); ++index)
    if (context.hasInput(index)) TANDEM_TRY(requireSameType(context, kX, index));
  if (context.hasInput(kBias) && context.input(kBias).shape() != Shape{g.conv.outputChannels})
    return context.fail("the bias does not hold one number per channel");
  if (!isFloating(x.type())) return unsupportedType(context, x.type());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), g.conv.outputShape()));
  visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    Results<C> results(y);
    DeformKernel<C>(context, g).run(results);
    results.store();
  });
  return {};
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(kX);
  const Shape *x = context.inputShape(kX), *w = context.inputShape(kWeights);
  if (!x || !w) return context.setOutputType(0, type), Result<void>{};
  const Geometry g =
      TANDEM_TRY(geometryOf(context.node(), *x, *w, context.inputShape(kOffsets), context.inputShape(kModulation)));
  context.setOutput(0, type, g.conv.outputShape());
  return {};
}

/// The convolution's, and a multiply-add per corner of every sample.
double flops(const Graph& graph, const Node& node) {
  const auto geometry =
      convGeometry(node, graph.value(node.inputs[kX]).desc.shape, graph.value(node.inputs[kWeights]).desc.shape);
  if (!geometry) return 0;
  const double outputs = static_cast<double>(geometry->batch) * static_cast<double>(geometry->outputPositions());
  const double taps = static_cast<double>(geometry->kernelPositions());
  return 2 * outputs * taps *
         (static_cast<double>(geometry->outputChannels) * static_cast<double>(geometry->inputChannelsPerGroup()) +
          std::exp2(static_cast<double>(geometry->spatialRank)) * static_cast<double>(geometry->inputChannels));
}

} // namespace

// ONNX DeformConv: a convolution whose taps move by offsets given as input (arXiv 1703.06211), weighted by an optional
// mask (arXiv 1811.11168); positions between elements are interpolated, outside is zero.
extern const OpDef kDeformConv = {.type = "DeformConv",
                                  .domain = "",
                                  .versions = {19, 22},
                                  .minInputs = 3,
                                  .maxInputs = 5,
                                  .infer = infer,
                                  .flops = flops,
                                  .reference = reference};

} // namespace tandem::ops
