// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/models/file_type.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

namespace tandem {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

FileType typeOf(const std::string& content) { return detectFileType(std::as_bytes(std::span(content))); }

std::string zipStartingWith(const std::string& name) { return "PK\x03\x04"s + std::string(26, '\0') + name + "..."; }

TEST(FileType, IsTakenFromTheContent) {
  EXPECT_EQ(typeOf(""), FileType::Empty);
  EXPECT_EQ(typeOf("\x89HDF\r\n\x1a\n rest"), FileType::Hdf5);
  EXPECT_EQ(typeOf(std::string(512, '\0') + "\x89HDF\r\n\x1a\n rest"), FileType::Hdf5);
  EXPECT_EQ(typeOf(zipStartingWith("metadata.json") + zipStartingWith("config.json")), FileType::KerasArchive);
  EXPECT_EQ(typeOf(zipStartingWith("archive/data.pkl")), FileType::TorchArchive);
  EXPECT_EQ(typeOf(zipStartingWith("x.npy")), FileType::NumpyArchive);
  EXPECT_EQ(typeOf(zipStartingWith("readme.txt")), FileType::Zip);
  EXPECT_EQ(typeOf("\x80\x04\x95 pickle"), FileType::Pickle);
  EXPECT_EQ(typeOf("\x10\0\0\0\0\0\0\0{\"a\":{}}        "s), FileType::SafeTensors);
  EXPECT_EQ(typeOf("\x1c\0\0\0TFL3 rest"s), FileType::TensorFlowLite);
  EXPECT_EQ(typeOf("GGUF\x03"), FileType::Gguf);
  EXPECT_EQ(typeOf("\x08\x01\x12\xa0\x05\x0a\x10..."), FileType::TensorFlowGraph);
  EXPECT_EQ(typeOf("\x0a\x20\x0a\x05input\x12\x0bPlaceholder*\x0b\x0a\x05"s + "dtype\x12\x02"),
            FileType::TensorFlowGraph);
  EXPECT_EQ(typeOf("\n\n<!DOCTYPE html><html>"), FileType::Html);
  EXPECT_EQ(typeOf("\xef\xbb\xbf{\"layers\": []}"), FileType::Json);
  EXPECT_EQ(typeOf("version https://git-lfs.github.com/spec/v1"), FileType::GitLfsPointer);
  EXPECT_EQ(typeOf("\x93NUMPY\x01"), FileType::NumpyArray);
}

TEST(FileType, LeavesOnnxUnknown) {
  EXPECT_EQ(typeOf("\x08\x07\x12\x07pytorch\x1a\x03"
                   "2.1:"),
            FileType::Unknown);
  EXPECT_EQ(typeOf("\x08\x01\x12\x07pytorch:"), FileType::Unknown);
  EXPECT_EQ(typeOf("noise"), FileType::Unknown);
}

TEST(FileType, SaysWhatToDoWithAnUnsuitableFile) {
  const Error tflite = unsuitableModelFile(FileType::TensorFlowLite, "net.tflite");
  EXPECT_EQ(tflite.code, ErrorCode::ModelRejected);
  EXPECT_EQ(tflite.where, "net.tflite");
  EXPECT_THAT(tflite.message, HasSubstr("not supported yet"));
  EXPECT_THAT(tflite.hint, HasSubstr("tf2onnx"));
  for (int type = 0; type <= static_cast<int>(FileType::Json); ++type)
    EXPECT_FALSE(unsuitableModelFile(static_cast<FileType>(type), "x").hint.empty()) << type;
}

TEST(FileType, KnowsASavedModelFolder) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "tandem_saved_model";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  EXPECT_THAT(unsuitableModelFolder(folder).message, HasSubstr("this is a folder"));
  std::ofstream(folder / "saved_model.pb") << "x";
  EXPECT_THAT(unsuitableModelFolder(folder).message, HasSubstr("SavedModel"));
  std::filesystem::remove_all(folder);
}

} // namespace
} // namespace tandem
