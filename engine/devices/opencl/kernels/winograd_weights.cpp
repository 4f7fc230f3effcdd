// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/winograd_weights.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::opencl {
namespace {

// Rows of G for the interpolation points 0, 1, -1, (2, -2,) infinity.
constexpr double kFour[6][3] = {{1.0 / 4, 0, 0},
                                {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                {0, 0, 1}};
constexpr double kTwo[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

/// result[i * inputs + j] = (G g G')[i][j], in double precision.
void transform(const double (*g)[3], int inputs, const float* weights, float* result, std::int64_t step) {
  double half[6][3];
  for (int i = 0; i < inputs; ++i)
    for (int s = 0; s < 3; ++s)
      half[i][s] = g[i][0] * static_cast<double>(weights[s]) + g[i][1] * static_cast<double>(weights[3 + s]) +
                   g[i][2] * static_cast<double>(weights[6 + s]);
  for (int i = 0; i < inputs; ++i)
    for (int j = 0; j < inputs; ++j)
      result[(i * inputs + j) * step] =
          static_cast<float>(half[i][0] * g[j][0] + half[i][1] * g[j][1] + half[i][2] * g[j][2]);
}

} // namespace

std::vector<float> winogradWeights(const float* weights, std::int64_t outputChannels, std::int64_t inputChannels,
                                   int outputs, std::int64_t paddedInputs, std::int64_t groupChannels) {
  const int inputs = outputs + 2;
  const int positions = inputs * inputs;
  const std::int64_t groups = (outputChannels + groupChannels - 1) / groupChannels;
  std::vector<float> packed(static_cast<std::size_t>(positions * groups * paddedInputs * groupChannels), 0.0f);
  // One input channel of a group at a time: the results go to as many places as there are positions.
  std::vector<float> piece(static_cast<std::size_t>(positions * groupChannels));
  for (std::int64_t group = 0; group < groups; ++group) {
    const std::int64_t count = std::min(groupChannels, outputChannels - group * groupChannels);
    for (std::int64_t ic = 0; ic < inputChannels; ++ic) {
      for (std::int64_t o = 0; o < count; ++o)
        transform(outputs == 4 ? kFour : kTwo, inputs, weights + ((group * groupChannels + o) * inputChannels + ic) * 9,
                  piece.data() + o, groupChannels);
      for (int position = 0; position < positions; ++position)
        std::copy_n(piece.data() + position * groupChannels, count,
                    packed.data() + ((position * groups + group) * paddedInputs + ic) * groupChannels);
    }
  }
  return packed;
}

std::vector<std::int64_t> tileOutputs(const Lowering& lowering) {
  if (lowering.halfWeights()) return {2};
  return {4, 2};
}

ScaledWeights storeWinograd(Lowering& lowering, std::vector<float> transformed) {
  if (!lowering.halfWeights()) return {lowering.weights(transformed), 1, false};
  constexpr int kTop = 15; // halves end at 2^16
  float most = 0;
  for (float value : transformed) most = std::max(most, std::abs(value));
  int exponent = 0;
  std::frexp(most, &exponent);
  const int shift = most > 0 ? kTop - exponent : 0;
  for (float& value : transformed) value = std::ldexp(value, shift);
  return {lowering.packedWeights(transformed, true), std::ldexp(1.0f, -shift), true};
}

} // namespace tandem::opencl
