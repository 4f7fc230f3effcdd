// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/weights.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/tensor/element_source.hpp"
#include "tests/devices/cpu_support.hpp"

#include <atomic>
#include <cstring>
#include <gtest/gtest.h>

namespace tandem::cpu {
namespace {

using test::randomTensor;
using tag = dnnl::memory::format_tag;
constexpr auto kFloat = dnnl::memory::data_type::f32;

Tensor frozen(const TensorDesc& desc, unsigned seed) {
  Tensor tensor = randomTensor(desc, seed);
  tensor.freeze();
  return tensor;
}

/// The elements of a tensor, as a file or a pass would give them.
class Elements final : public ElementSource {
 public:
  explicit Elements(Tensor tensor) : m_tensor(std::move(tensor)) {}
  void write(void* out, std::size_t offset, std::size_t bytes) const override {
    largestPart = std::max(largestPart, bytes);
    std::memcpy(out, static_cast<const std::byte*>(m_tensor.data()) + offset, bytes);
  }
  void giveBack(std::size_t, std::size_t bytes) const override { givenBack += bytes; }
  mutable std::size_t largestPart = 0, givenBack = 0;

 private:
  Tensor m_tensor;
};

std::vector<float> reordered(const Tensor& tensor, const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  std::vector<float> result(to.get_size() / sizeof(float));
  dnnl::memory src(from, engine(), const_cast<void*>(tensor.data())), dst(to, engine(), result.data());
  dnnl::stream stream(engine());
  dnnl::reorder(src, dst).execute(stream, src, dst);
  return result;
}

TEST(CpuWeights, RewrittenElementsAreToldApartByBothLayouts) {
  const Tensor tensor = frozen({DataType::Float32, {32, 32}}, 1);
  const dnnl::memory::desc plain({32, 32}, kFloat, tag::ab), turned({32, 32}, kFloat, tag::ba);
  const auto negate = [](const float* source, float* target) {
    for (int i = 0; i < 32 * 32; ++i) target[i] = -source[i];
  };
  WeightStore first, second;
  const WeightsPtr a = first.rewrite(tensor, "negative", plain, plain, negate);
  const WeightsPtr b = second.rewrite(tensor, "negative", plain, turned, negate);
  EXPECT_EQ(second.rewrite(tensor, "negative", plain, plain, negate), a);
  const float* elements = tensor.as<float>().data();
  EXPECT_EQ(static_cast<const float*>(a->data())[1], -elements[1]);
  EXPECT_EQ(static_cast<const float*>(b->data())[1], -elements[32]);
}

TEST(CpuWeights, OneFormOfATensorIsPreparedOnceInAllPrograms) {
  const Tensor tensor = frozen({DataType::Float32, {32, 16, 3, 3}}, 1);
  const dnnl::memory::desc from({32, 16, 3, 3}, kFloat, tag::oihw), to({32, 16, 3, 3}, kFloat, tag::OIhw16i16o);
  WeightStore first, second;
  const WeightsPtr a = first.prepare(tensor, from, to);
  EXPECT_EQ(first.prepare(tensor, from, to), a);
  first.complete({});
  const WeightsPtr b = second.prepare(tensor, from, to);
  second.complete({});
  EXPECT_EQ(a, b);
  EXPECT_EQ(first.pieces(), second.pieces());
  EXPECT_EQ(first.bytes(), static_cast<std::int64_t>(to.get_size()));
  const std::vector<float> expected = reordered(tensor, from, to);
  EXPECT_EQ(std::memcmp(a->data(), expected.data(), to.get_size()), 0);
}

TEST(CpuWeights, OtherElementsLayoutsAndUnnamedTensorsAreNotShared) {
  const dnnl::memory::desc from({96, 64}, kFloat, tag::ab), to({96, 64}, kFloat, tag::ba);
  const dnnl::memory::desc blocked({96, 64}, kFloat, tag::AB16b16a);
  const Tensor one = frozen({DataType::Float32, {96, 64}}, 1), two = frozen({DataType::Float32, {96, 64}}, 1);
  const Tensor unnamed = randomTensor({DataType::Float32, {96, 64}}, 1);
  WeightStore first, second;
  const WeightsPtr a = first.prepare(one, from, to);
  const WeightsPtr u = first.prepare(unnamed, from, to);
  EXPECT_NE(second.prepare(two, from, to), a);
  EXPECT_NE(second.prepare(one, from, blocked), a);
  EXPECT_NE(second.prepare(unnamed, from, to), u); // somebody may have written to it in between
  EXPECT_EQ(first.prepare(unnamed, from, to), u);  // but not within one program
}

TEST(CpuWeights, FewElementsAreSharedWhereTheyAreEqual) {
  WeightStore first, second;
  const WeightsPtr a = first.keep(Tensor::of<float>({3}, {1, 2, 3}));
  EXPECT_EQ(second.keep(Tensor::of<float>({3}, {1, 2, 3})), a);
  EXPECT_NE(second.keep(Tensor::of<float>({3}, {1, 2, 4})), a);
}

TEST(CpuWeights, WhatNobodyHoldsAnyMoreIsPreparedAgain) {
  const auto source = std::make_shared<Elements>(randomTensor({DataType::Float32, {32, 16}}, 1));
  const Tensor tensor = Tensor::from({DataType::Float32, {32, 16}}, source);
  const dnnl::memory::desc from({32, 16}, kFloat, tag::ab), to({32, 16}, kFloat, tag::ba);
  for (int round = 1; round <= 2; ++round) {
    WeightStore store;
    const WeightsPtr weights = store.prepare(tensor, from, to);
    store.complete({});
    EXPECT_EQ(source->givenBack, static_cast<std::size_t>(round) * tensor.bytes());
  }
}

TEST(CpuWeights, WhatNoKernelTookIsNeitherPreparedNorCounted) {
  const auto source = std::make_shared<Elements>(randomTensor({DataType::Float32, {32, 16}}, 1));
  const Tensor tensor = Tensor::from({DataType::Float32, {32, 16}}, source);
  WeightStore store;
  static_cast<void>(store.prepare(tensor, {{32, 16}, kFloat, tag::ab}, {{32, 16}, kFloat, tag::ba}));
  EXPECT_GT(store.bytes(), 0);
  store.complete({});
  EXPECT_EQ(store.bytes(), 0);
  EXPECT_EQ(source->largestPart, 0u);
}

TEST(CpuWeights, LargeWeightsPassInPartsAndComeOutTheSame) {
  // 48 MiB, in the row order of either side: Gemm with and without transB.
  const Tensor elements = randomTensor({DataType::Float32, {4096, 3072}}, 3);
  for (const bool transposed : {false, true}) {
    const auto source = std::make_shared<Elements>(elements);
    const Tensor tensor = Tensor::from(elements.desc(), source);
    const dnnl::memory::dims dims = transposed ? dnnl::memory::dims{3072, 4096} : dnnl::memory::dims{4096, 3072};
    const dnnl::memory::desc from(dims, kFloat, transposed ? tag::ba : tag::ab);
    for (const tag layout : {tag::BA16a64b, tag::AB16b64a, transposed ? tag::ab : tag::ba}) {
      WeightStore store;
      const dnnl::memory::desc to(dims, kFloat, layout);
      const WeightsPtr weights = store.prepare(tensor, from, to);
      store.complete({});
      const std::vector<float> expected = reordered(elements, from, to);
      EXPECT_EQ(std::memcmp(weights->data(), expected.data(), to.get_size()), 0);
    }
    EXPECT_LT(source->largestPart, tensor.bytes() / 2);
  }
}

TEST(CpuWeights, PaddedLayoutsAreZeroWhereTheShapeHasNothing) {
  const Tensor tensor = frozen({DataType::Float32, {17, 5, 3, 3}}, 4);
  const dnnl::memory::desc from({17, 5, 3, 3}, kFloat, tag::oihw), to({17, 5, 3, 3}, kFloat, tag::OIhw16i16o);
  WeightStore store;
  const WeightsPtr weights = store.prepare(tensor, from, to);
  store.complete({});
  const std::vector<float> expected = reordered(tensor, from, to);
  EXPECT_EQ(std::memcmp(weights->data(), expected.data(), to.get_size()), 0);
}

TEST(CpuWeights, SideBySideGivesWhatOneThreadGives) {
  std::vector<Tensor> tensors;
  for (unsigned i = 0; i < 40; ++i)
    tensors.push_back(Tensor::from({DataType::Float32, {64, 48}},
                                   std::make_shared<Elements>(randomTensor({DataType::Float32, {64, 48}}, i))));
  const dnnl::memory::desc from({64, 48}, kFloat, tag::ab), to({64, 48}, kFloat, tag::AB16b16a);
  WeightStore store;
  std::vector<WeightsPtr> prepared;
  for (const Tensor& tensor : tensors) prepared.push_back(store.prepare(tensor, from, to));
  store.complete({});
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_TRUE(prepared[i]->isReady());
    const std::vector<float> expected = reordered(tensors[i], from, to);
    EXPECT_EQ(std::memcmp(prepared[i]->data(), expected.data(), to.get_size()), 0) << i;
  }
}

TEST(CpuWeights, ACancelledPreparationIsMadeUpForWhenTheWeightsAreUsed) {
  const Tensor tensor = frozen({DataType::Float32, {32, 16}}, 5);
  const dnnl::memory::desc from({32, 16}, kFloat, tag::ab), to({32, 16}, kFloat, tag::ba);
  CancelToken cancel;
  cancel.cancel();
  WeightStore store;
  const WeightsPtr weights = store.prepare(tensor, from, to);
  store.complete(cancel);
  EXPECT_FALSE(weights->isReady());
  EXPECT_EQ(static_cast<const float*>(weights->data())[1], tensor.as<float>()[16]);
}

TEST(CpuWeights, PackedFormsAreMadeAtOnceAndKeptForTheirTensor) {
  const Tensor tensor = frozen({DataType::Float32, {4}}, 6);
  int calls = 0;
  const auto reverse = [&](const void* source, void* target) {
    ++calls;
    for (std::size_t i = 0; i < 4; ++i) static_cast<float*>(target)[i] = static_cast<const float*>(source)[3 - i];
  };
  WeightStore first, second;
  const WeightsPtr a = first.pack(tensor, "reverse", 16, reverse);
  EXPECT_EQ(second.pack(tensor, "reverse", 16, reverse), a);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(static_cast<const float*>(a->data())[0], tensor.as<float>()[3]);
  EXPECT_NE(second.pack(tensor, "another", 16, reverse), a);
}

TEST(CpuWeights, LargePiecesOfMemoryAreWhole) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{4096}, (std::size_t{2} << 20) - 1, std::size_t{2} << 20,
                                  (std::size_t{5} << 20) + 12345}) {
    AlignedMemory memory(bytes);
    ASSERT_NE(memory.data(), nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 64, 0u);
    std::memset(memory.data(), 1, bytes);
    AlignedMemory moved = std::move(memory);
    EXPECT_EQ(moved.bytes(), bytes);
    EXPECT_EQ(static_cast<const char*>(moved.data())[bytes - 1], 1);
  }
  EXPECT_EQ(AlignedMemory(SIZE_MAX).data(), nullptr);
  EXPECT_EQ(AlignedMemory(std::size_t{1} << 60).data(), nullptr);
}

} // namespace
} // namespace tandem::cpu
