// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/element_source.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace tandem {
namespace {

/// 0, 1, 2, ... as floats; counts how often it was read.
class Counting final : public ElementSource {
 public:
  void write(void* out, std::size_t offset, std::size_t bytes) const override {
    ++writes;
    for (std::size_t i = 0; i < bytes / sizeof(float); ++i)
      static_cast<float*>(out)[i] = static_cast<float>(offset / sizeof(float) + i);
  }
  mutable std::atomic<int> writes{0};
};

const TensorDesc kDesc{DataType::Float32, {2, 3}};

TEST(ElementSource, IsReadWhenSomebodyAsksAndOnceForAllCopies) {
  const auto source = std::make_shared<Counting>();
  const Tensor tensor = Tensor::from(kDesc, source);
  const Tensor copy = tensor.reshaped({6});
  EXPECT_TRUE(tensor.defined());
  EXPECT_EQ(source->writes, 0);
  EXPECT_EQ(tensor.asDouble(5), 5);
  EXPECT_EQ(copy.as<float>()[3], 3);
  EXPECT_EQ(copy.data(), tensor.data());
  EXPECT_EQ(source->writes, 1);
}

TEST(ElementSource, IsReadOnceByManyThreads) {
  const auto source = std::make_shared<Counting>();
  const Tensor tensor = Tensor::from(kDesc, source);
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { right += tensor.as<float>()[4] == 4 ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
  EXPECT_EQ(source->writes, 1);
}

TEST(ElementSource, CopiesElementsWithoutKeepingThem) {
  const auto source = std::make_shared<Counting>();
  const Tensor tensor = Tensor::from(kDesc, source);
  std::vector<float> out(6);
  tensor.copyTo(out.data());
  tensor.copyTo(out.data());
  EXPECT_EQ(out, (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(source->writes, 2);
  EXPECT_EQ(tensor.clone().as<float>()[2], 2);
  EXPECT_EQ(tensor.clone().source(), nullptr);
}

TEST(ElementSource, AFreshTensorSharesTheSourceAndNothingElse) {
  const Tensor tensor = Tensor::from(kDesc, std::make_shared<Counting>());
  const Tensor fresh = tensor.fresh();
  EXPECT_NE(fresh.data(), tensor.data());
  EXPECT_EQ(fresh.source(), tensor.source());
  EXPECT_EQ(fresh.key(), tensor.key());
}

TEST(ElementSource, NothingIsReadForATensorWithoutElements) {
  const auto source = std::make_shared<Counting>();
  const Tensor empty = Tensor::from({DataType::Float32, {0, 3}}, source);
  EXPECT_NE(empty.data(), nullptr);
  EXPECT_EQ(source->writes, 0);
}

TEST(ElementSource, OnlyElementsThatStayHaveAKey) {
  Tensor tensor = Tensor::of<float>({2}, {1, 2});
  EXPECT_TRUE(tensor.key().empty());
  tensor.freeze();
  const Tensor copy = tensor;
  Tensor other = Tensor::of<float>({2}, {1, 2});
  other.freeze();
  EXPECT_FALSE(tensor.key().empty());
  EXPECT_EQ(copy.key(), tensor.key());
  EXPECT_NE(other.key(), tensor.key());
  EXPECT_NE(Tensor::from(kDesc, std::make_shared<Counting>()).key(),
            Tensor::from(kDesc, std::make_shared<Counting>()).key());
}

} // namespace
} // namespace tandem
