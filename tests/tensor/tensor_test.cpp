// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/tensor.hpp"

#include "engine/tensor/visit.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace tandem {
namespace {

constexpr std::array kStored{DataType::Float32, DataType::UInt8,   DataType::Int8,   DataType::UInt16,
                             DataType::Int16,   DataType::Int32,   DataType::Int64,  DataType::Bool,
                             DataType::Float16, DataType::Float64, DataType::UInt32, DataType::UInt64,
                             DataType::BFloat16};

TEST(DataType, NamesSizesAndKindsAgree) {
  for (DataType type : kStored) {
    EXPECT_EQ(dataTypeFrom(toString(type)), type);
    std::size_t bytes = 0;
    ASSERT_TRUE(visitType(type, [&]<class T>(TypeTag<T>) {
      bytes = sizeof(T);
      EXPECT_EQ(dataTypeOf<T>(), type);
    }));
    EXPECT_EQ(byteSize(type), bytes) << toString(type);
    EXPECT_EQ(isFloating(type) + isInteger(type) + (type == DataType::Bool), 1) << toString(type);
    EXPECT_EQ(visitFloating(type, [](auto) {}), isFloating(type));
  }
  EXPECT_EQ(byteSize(DataType::String), 0u);
  EXPECT_FALSE(visitType(DataType::String, [](auto) {}));
  EXPECT_FALSE(dataTypeFrom("float12"));
}

TEST(Tensor, StorageIsAlignedForEverySize) {
  for (DataType type : kStored)
    for (std::int64_t size : {0, 1, 3, 64, 1000}) {
      const Tensor tensor = Tensor::zeros({type, {size}});
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64, 0u);
      EXPECT_NE(tensor.data(), nullptr);
      EXPECT_EQ(tensor.bytes(), static_cast<std::size_t>(size) * byteSize(type));
      for (std::int64_t i = 0; i < size; ++i) ASSERT_EQ(tensor.asDouble(i), 0.0);
    }
}

TEST(Tensor, ConvertsElementsOfEveryType) {
  for (DataType type : kStored)
    visitType(type, [&]<class T>(TypeTag<T>) {
      const Tensor tensor = Tensor::of<T>(Shape{2}, {static_cast<T>(0), static_cast<T>(1)});
      EXPECT_EQ(tensor.type(), type);
      EXPECT_EQ(tensor.asDouble(1), 1.0) << toString(type);
      EXPECT_EQ(tensor.toInts(), (std::vector<std::int64_t>{0, 1})) << toString(type);
    });
  EXPECT_EQ(Tensor::scalar<std::int8_t>(-128).asDouble(0), -128.0);
  EXPECT_EQ(Tensor::scalar<std::uint16_t>(65535).asInt(0), 65535);
  EXPECT_EQ(Tensor::scalar(std::numeric_limits<std::int64_t>::min()).asInt(0),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(Tensor::scalar(Half(-1.5f)).asDouble(0), -1.5);
  EXPECT_EQ(Tensor::scalar(BFloat16(-2.75f)).asInt(0), -2);
}

TEST(Tensor, FloatsOutsideInt64AreClamped) {
  const Tensor values = Tensor::of<float>({5}, {1e30f, -1e30f, INFINITY, NAN, -3.9f});
  constexpr auto kTop = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(values.toInts(), (std::vector<std::int64_t>{kTop, -kTop - 1, kTop, 0, -3}));
}

TEST(Tensor, CopiesShareAndClonesDoNot) {
  Tensor tensor = Tensor::of<float>({2, 2}, {1, 2, 3, 4});
  const Tensor copy = tensor;
  const Tensor clone = tensor.clone();
  const Tensor flat = tensor.reshaped({4});
  tensor.mutableAs<float>()[0] = 9;
  EXPECT_EQ(copy.asDouble(0), 9);
  EXPECT_EQ(flat.asDouble(0), 9);
  EXPECT_EQ(clone.asDouble(0), 1);
  EXPECT_EQ(flat.data(), tensor.data());
  EXPECT_EQ(flat.shape(), Shape{4});
  EXPECT_FALSE(Tensor().clone().defined());
}

TEST(Tensor, WrappedMemoryKeepsItsOwnerAlive) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3});
  const std::weak_ptr<std::vector<float>> watch = owner;
  {
    Tensor tensor = Tensor::wrap({DataType::Float32, {3}}, owner->data(), owner);
    const Tensor copy = tensor.reshaped({3, 1});
    owner.reset();
    tensor = Tensor();
    ASSERT_FALSE(watch.expired());
    EXPECT_EQ(copy.asDouble(2), 3);
  }
  EXPECT_TRUE(watch.expired());
}

TEST(TensorDesc, KnowsItsBytesUnlessTheyOverflow) {
  const TensorDesc desc{DataType::Float32, {1, 3, 224, 224}};
  EXPECT_EQ(desc.toString(), "float32 1x3x224x224");
  EXPECT_EQ(desc.checkedBytes(), desc.bytes());
  EXPECT_FALSE((TensorDesc{DataType::Float64, {std::int64_t{1} << 61}}.checkedBytes()));
  EXPECT_FALSE((TensorDesc{DataType::Float32, {kUnknownDim}}.checkedBytes()));
  EXPECT_FALSE((TensorDesc{DataType::Undefined, {2}}.isStatic()));
}

} // namespace
} // namespace tandem
