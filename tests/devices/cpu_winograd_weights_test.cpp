// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/winograd_weights.hpp"

#include "engine/devices/cpu/layout.hpp"
#include "tests/devices/cpu_support.hpp"

#include <gtest/gtest.h>

namespace tandem::cpu {
namespace {

using tag = dnnl::memory::format_tag;
constexpr auto kFloat = dnnl::memory::data_type::f32;

TEST(CpuWinogradWeights, AreThoseThatOneDnnMakes) {
  int transformed = 0, seen = 0;
  for (const auto& [channels, outputs, size, batch] : std::vector<std::array<std::int64_t, 4>>{{64, 64, 56, 1},
                                                                                               {128, 128, 28, 1},
                                                                                               {256, 256, 14, 1},
                                                                                               {512, 512, 7, 1},
                                                                                               {64, 128, 112, 1},
                                                                                               {256, 512, 28, 1},
                                                                                               {512, 512, 14, 8},
                                                                                               {64, 64, 224, 1},
                                                                                               {32, 96, 40, 1},
                                                                                               {48, 80, 33, 2},
                                                                                               {16, 16, 20, 1}}) {
    const dnnl::memory::desc x({batch, channels, size, size}, kFloat, tag::nChw16c);
    const dnnl::memory::desc y({batch, outputs, size, size}, kFloat, tag::nChw16c);
    const dnnl::memory::desc any({outputs, channels, 3, 3}, kFloat, tag::any);
    dnnl::memory::desc to;
    try {
      to = dnnl::convolution_forward::primitive_desc({dnnl::prop_kind::forward_inference,
                                                      dnnl::algorithm::convolution_winograd,
                                                      x,
                                                      any,
                                                      y,
                                                      {1, 1},
                                                      {1, 1},
                                                      {1, 1}},
                                                     engine())
               .weights_desc();
    } catch (const dnnl::error&) {
      continue; // not on this processor, or not for this shape
    }
    ++seen;
    const Tensor weights =
        test::randomTensor({DataType::Float32, {outputs, channels, 3, 3}}, static_cast<unsigned>(channels + size));
    const dnnl::memory::desc from({outputs, channels, 3, 3}, kFloat, tag::oihw);
    std::vector<float> mine(to.get_size() / sizeof(float)), theirs(mine.size());
    if (!transformWinogradWeights(from, weights.as<float>().data(), to, mine.data())) continue;
    ++transformed;
    dnnl::memory src(from, engine(), const_cast<void*>(weights.data())), dst(to, engine(), theirs.data());
    dnnl::stream stream(engine());
    dnnl::reorder(src, dst).execute(stream, src, dst);
    double worst = 0;
    for (std::size_t i = 0; i < mine.size(); ++i)
      worst = std::max(worst, static_cast<double>(std::abs(mine[i] - theirs[i])));
    EXPECT_LT(worst, 1e-6) << channels << " to " << outputs << " channels of " << size;
  }
  EXPECT_TRUE(seen == 0 || transformed > 0);
}

TEST(CpuWinogradWeights, OtherFormsAreLeftToOneDnn) {
  const dnnl::memory::desc from({16, 16, 3, 3}, kFloat, tag::oihw), to({16, 16, 3, 3}, kFloat, tag::OIhw16i16o);
  float nothing = 0;
  EXPECT_FALSE(transformWinogradWeights(from, &nothing, to, &nothing));
}

} // namespace
} // namespace tandem::cpu
