// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/winograd_weights.hpp"

#include <array>
#include <cstdint>

namespace tandem::cpu {
namespace {

constexpr int kLanes = 16; ///< output channels that lie side by side
constexpr int kTaps = 9;

// G of U = G g G^T (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016). The second one
// has the interpolation points that oneDNN uses.
constexpr float kG2[4][3] = {{1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};
constexpr float kG4[6][3] = {{1.13777777777778f, 0, 0},
                             {-0.688403361344538f, -0.430252100840336f, -0.26890756302521f},
                             {-0.688403361344538f, 0.430252100840336f, -0.26890756302521f},
                             {0.119514472455649f, 0.179271708683473f, 0.26890756302521f},
                             {0.119514472455649f, -0.179271708683473f, 0.26890756302521f},
                             {0, 0, 1}};

/// Where the transformed weights of 16 output channels and one input channel go.
struct Place {
  std::int64_t first = 0;   ///< element of the first of alpha * alpha positions
  std::int64_t between = 0; ///< elements from one position to the next
};

/// One input channel of 16 output channels, whose weights are `apart` elements from each other.
template <int Alpha>
void transform(const float (&g)[Alpha][3], const float* source, std::int64_t apart, float* target, Place place) {
  alignas(64) float taps[kTaps][kLanes];
  for (int o = 0; o < kLanes; ++o)
    for (int k = 0; k < kTaps; ++k) taps[k][o] = source[o * apart + k];
  alignas(64) float rows[Alpha][3][kLanes];
  for (int a = 0; a < Alpha; ++a)
    for (int x = 0; x < 3; ++x)
      for (int o = 0; o < kLanes; ++o)
        rows[a][x][o] = g[a][0] * taps[x][o] + g[a][1] * taps[3 + x][o] + g[a][2] * taps[6 + x][o];
  for (int a = 0; a < Alpha; ++a)
    for (int b = 0; b < Alpha; ++b) {
      float* out = target + place.first + (a * Alpha + b) * place.between;
      for (int o = 0; o < kLanes; ++o)
        out[o] = g[b][0] * rows[a][0][o] + g[b][1] * rows[a][1][o] + g[b][2] * rows[a][2][o];
    }
}

/// Which forms are known; their blocks must divide the channels.
bool isKnown(const dnnl_wino_desc_t& wino) {
  const dnnl_version_t* version = dnnl_version();
  if (version->major != 2 || version->minor != 6 || wino.r != 3 || wino.adj_scale != 1 || wino.oc_block != kLanes)
    return false;
  if (wino.oc % kLanes != 0 || wino.ic_block < 1 || wino.ic % wino.ic_block != 0) return false;
  if (wino.wino_format == dnnl_wino_wei_aaOio) return wino.alpha == 4;
  return wino.wino_format == dnnl_wino_wei_OBaaIBOIio && wino.alpha == 6 && wino.oc2_block > 0 && wino.ic2_block > 0 &&
         wino.oc % (kLanes * wino.oc2_block) == 0 && wino.ic % (wino.ic_block * wino.ic2_block) == 0;
}

Place placeOf(const dnnl_wino_desc_t& wino, std::int64_t outBlock, std::int64_t input) {
  const std::int64_t ic = wino.ic, oc = wino.oc;
  if (wino.wino_format == dnnl_wino_wei_aaOio) return {(outBlock * ic + input) * kLanes, ic * oc};
  const std::int64_t oc2 = wino.oc2_block, ic2 = wino.ic2_block, block = wino.ic_block;
  const std::int64_t inBlock = input / block, positions = wino.alpha * wino.alpha;
  const std::int64_t tile = oc2 * ic2 * block * kLanes; // what one chunk of inputs holds for one chunk of outputs
  const std::int64_t between = ic / (ic2 * block) * tile;
  return {outBlock / oc2 * positions * between + inBlock / ic2 * tile +
              ((outBlock % oc2 * ic2 + inBlock % ic2) * block + input % block) * kLanes,
          between};
}

} // namespace

bool transformWinogradWeights(const dnnl::memory::desc& from, const float* source, const dnnl::memory::desc& to,
                              float* target) {
  if (to.data.format_kind != dnnl_format_kind_wino || to.data.data_type != dnnl_f32) return false;
  const dnnl_wino_desc_t& wino = to.data.format_desc.wino_desc;
  const dnnl::memory::desc plain({wino.oc, wino.ic, 3, 3}, dnnl::memory::data_type::f32,
                                 dnnl::memory::format_tag::oihw);
  if (!isKnown(wino) || from != plain) return false;
  const std::int64_t ic = wino.ic;
  for (std::int64_t block = 0; block < wino.oc / kLanes; ++block)
    for (std::int64_t i = 0; i < ic; ++i) {
      const float* taps = source + (block * kLanes * ic + i) * kTaps;
      if (wino.alpha == 4)
        transform(kG2, taps, ic * kTaps, target, placeOf(wino, block, i));
      else
        transform(kG4, taps, ic * kTaps, target, placeOf(wino, block, i));
    }
  return true;
}

} // namespace tandem::cpu
