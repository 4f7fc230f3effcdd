// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/npy.hpp"
#include "engine/formats/tensors/sha256.hpp"
#include "engine/formats/tensors/tensor_pb.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TensorFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    m_folder = fs::path(::testing::TempDir()) / (std::string("tandem_tensor_files_") + test->name());
    fs::remove_all(m_folder);
    fs::create_directories(m_folder);
  }
  void TearDown() override { fs::remove_all(m_folder); }
  fs::path m_folder;
};

std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

TEST(Sha256, MatchesTheStandardExamples) {
  EXPECT_EQ(sha256Hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256Hex(bytesOf("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256Hex(bytesOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256Hex(bytesOf(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesArrive) {
  const std::string text(200, 'x');
  Sha256 hash;
  hash.update(bytesOf(std::string_view(text).substr(0, 1)));
  hash.update(bytesOf(std::string_view(text).substr(1, 70)));
  hash.update(bytesOf(std::string_view(text).substr(71)));
  EXPECT_EQ(hash.finishHex(), sha256Hex(bytesOf(text)));
}

TEST_F(TensorFiles, PbRoundTripsEveryType) {
  for (DataType type : {DataType::Float32, DataType::Float64, DataType::Float16, DataType::BFloat16, DataType::Int8,
                        DataType::Int16, DataType::Int32, DataType::Int64, DataType::UInt8, DataType::UInt16,
                        DataType::UInt32, DataType::UInt64, DataType::Bool}) {
    Tensor tensor = Tensor::zeros({type, {2, 3}});
    static_cast<unsigned char*>(tensor.mutableData())[tensor.bytes() - 1] = 1;
    ASSERT_TRUE(writeTensorPb(m_folder / "t.pb", tensor, "t").ok());
    auto back = readTensorPb(m_folder / "t.pb");
    ASSERT_TRUE(back.ok()) << back.error().line();
    EXPECT_EQ(back->desc(), tensor.desc());
    EXPECT_EQ(std::memcmp(back->data(), tensor.data(), tensor.bytes()), 0) << toString(type);
  }
}

TEST_F(TensorFiles, NpyRoundTripsTypesScalarsAndEmptyTensors) {
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3, 4}, Shape{0, 3}}) {
    Tensor tensor = Tensor::zeros({DataType::Float32, shape});
    for (std::size_t i = 0; i < tensor.as<float>().size(); ++i) tensor.mutableAs<float>()[i] = static_cast<float>(i);
    ASSERT_TRUE(writeNpy(m_folder / "t.npy", tensor).ok());
    auto back = readNpy(m_folder / "t.npy");
    ASSERT_TRUE(back.ok()) << back.error().line();
    EXPECT_EQ(back->desc(), tensor.desc());
    EXPECT_EQ(std::memcmp(back->data(), tensor.data(), tensor.bytes()), 0);
  }
  EXPECT_EQ(writeNpy(m_folder / "t.npy", Tensor::zeros({DataType::BFloat16, {1}})).error().code,
            ErrorCode::OutputFailed);
}

std::string npy(const std::string& dict, const std::string& data) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(dict.size());
  file += '\x00';
  return file + dict + data;
}

TEST(Npy, ReadsFortranOrder) {
  const std::string data("\x00\x03\x01\x04\x02\x05", 6);
  auto tensor = readNpy(bytesOf(npy("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }\n", data)), "t");
  ASSERT_TRUE(tensor.ok()) << tensor.error().line();
  EXPECT_THAT(tensor->toInts(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, RefusesWhatDoesNotFit) {
  const auto refused = [](const std::string& dict, const std::string& data) {
    auto tensor = readNpy(bytesOf(npy(dict, data)), "t.npy");
    EXPECT_FALSE(tensor.ok()) << dict;
    return tensor.ok() ? std::string() : tensor.error().line();
  };
  EXPECT_THAT(refused("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "1234"), HasSubstr("needs 8 bytes"));
  EXPECT_THAT(refused("{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }", "1234"), HasSubstr("holds text"));
  EXPECT_THAT(refused("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "1234"), HasSubstr("objects"));
  EXPECT_THAT(refused("{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", "1234"), HasSubstr("'<f16'"));
  EXPECT_THAT(refused("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "1234"), HasSubstr("complex"));
  EXPECT_THAT(refused("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234"),
              HasSubstr("records"));
  EXPECT_THAT(refused("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "1234"), HasSubstr("shape"));
  EXPECT_THAT(refused("{'descr': '<f4', 'fortran_order': False, "
                      "'shape': (4611686018427387904, 4611686018427387904), }",
                      "1234"),
              HasSubstr("too large"));
  EXPECT_THAT(refused("{'descr': '<f4'", "1234"), HasSubstr("dictionary"));
  EXPECT_FALSE(readNpy(bytesOf("\x93NUMPY"), "t").ok());
  EXPECT_FALSE(readNpy({}, "t").ok());
}

TEST_F(TensorFiles, ErrorsNameTheFileAndLeaveTheOldOne) {
  auto missing = readTensorPb(m_folder / "missing.pb");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::InputRejected);
  EXPECT_THAT(missing.error().where, HasSubstr("missing.pb"));
  EXPECT_THAT(readTensorPb(m_folder).error().message, HasSubstr("folder"));
  std::ofstream(m_folder / "empty.pb").close();
  EXPECT_THAT(readTensorPb(m_folder / "empty.pb").error().message, HasSubstr("empty"));
  std::ofstream(m_folder / "noise.pb") << "this is no tensor at all";
  EXPECT_FALSE(readTensorPb(m_folder / "noise.pb").ok());
  const auto failed = writeTensorPb(m_folder / "no" / "such" / "t.pb", Tensor::scalar(1.f));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::OutputFailed);
}

} // namespace
} // namespace tandem
