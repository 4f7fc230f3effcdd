// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/formats/conformance_data.hpp"

#include "engine/formats/onnx/onnx_reader.hpp"
#include "engine/formats/tensors/tensor_pb.hpp"
#include "engine/graph/verify.hpp"

#include <algorithm>
#include <gmock/gmock.h>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::StartsWith;

std::vector<fs::path> filesBelow(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() == extension) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(RealModels, AllOpenAndVerify) {
  TANDEM_NEED_CONFORMANCE("models");
  const auto files = filesBelow(folder, ".onnx");
  EXPECT_GE(files.size(), 17u);
  for (const fs::path& file : files) {
    auto model = readOnnx(file);
    ASSERT_TRUE(model.ok()) << file << ": " << model.error().line();
    EXPECT_GT(model->graph.nodes().size(), 0u) << file;
    EXPECT_TRUE(verify(model->graph).ok()) << file;
    EXPECT_EQ(model->sha256.hex().size(), 64u);
  }
}

TEST(RealModels, TheUnsupportedOneNamesAllItsOperators) {
  TANDEM_NEED_CONFORMANCE("models/unsupported-candy");
  auto model = readOnnx(folder / "candy.onnx");
  ASSERT_TRUE(model.ok()) << model.error().line();
  for (const char* type : {"Affine-7 (", "Crop-7 (", "ImageScaler-7 ("})
    EXPECT_THAT(model->unsupportedOperators, Contains(StartsWith(type)));
}

TEST(RealModels, TestTensorsFitTheInputs) {
  TANDEM_NEED_CONFORMANCE("models/squeezenet-imagenet");
  auto model = readOnnx(folder / "squeezenet_fp32.onnx");
  ASSERT_TRUE(model.ok());
  auto tensor = readTensorPb(folder / "test_data/squeezenet_fp32/test_data_set_0/input_0.pb");
  ASSERT_TRUE(tensor.ok()) << tensor.error().line();
  EXPECT_EQ(tensor->desc(), model->graph.value(model->graph.inputs()[0]).desc);
}

TEST(RealModels, EveryOperatorCaseOpensOrSaysWhyNot) {
  TANDEM_NEED_CONFORMANCE("operators");
  const auto files = filesBelow(folder, ".onnx");
  EXPECT_GE(files.size(), 1600u);
  std::size_t opened = 0;
  for (const fs::path& file : files) {
    auto model = readOnnx(file);
    if (model.ok()) {
      ++opened;
      EXPECT_TRUE(verify(model->graph).ok()) << file;
    } else {
      EXPECT_EQ(model.error().code, ErrorCode::ModelRejected) << file;
      EXPECT_FALSE(model.error().message.empty()) << file;
      std::printf("refused: %s: %s\n", file.parent_path().filename().c_str(), model.error().line().c_str());
    }
  }
  std::printf("%zu of %zu operator cases opened\n", opened, files.size());
  EXPECT_EQ(opened, files.size());
}

TEST(RealModels, EveryTestTensorReadsOrSaysWhyNot) {
  TANDEM_NEED_CONFORMANCE("operators");
  std::size_t good = 0;
  std::size_t refused = 0;
  for (const fs::path& file : filesBelow(folder, ".pb")) {
    auto tensor = readTensorPb(file);
    ++(tensor.ok() ? good : refused);
    if (tensor.ok()) continue;
    EXPECT_EQ(tensor.error().code, ErrorCode::InputRejected) << file;
  }
  std::printf("%zu tensors read, %zu refused\n", good, refused);
  EXPECT_GT(good, 4000u);
  EXPECT_LT(refused, 40u);
}

} // namespace
} // namespace tandem
