// SPDX-License-Identifier: GPL-3.0-or-later
// Models whose large weights stay in their file.
#include "engine/tensor/element_source.hpp"
#include "tests/formats/proto_builder.hpp"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <random>

namespace tandem {
namespace {

using testing::ModelBuilder;

class WeightsInFile : public ::testing::Test {
 protected:
  void SetUp() override {
    m_folder = std::filesystem::path(::testing::TempDir()) /
               ("tandem_weights_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
                ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(m_folder);
  }
  void TearDown() override { std::filesystem::remove_all(m_folder); }

  std::filesystem::path write(const std::string& bytes) const {
    const auto path = m_folder / "model.onnx";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  Result<OnnxModel> readFile(const std::string& bytes) const { return readOnnx(write(bytes)); }

  /// The reader maps files above 1 MiB; smaller ones lie on the heap.
  static constexpr std::size_t kMany = 300'001;
  std::filesystem::path m_folder;
};

std::vector<float> ramp(std::size_t count, float first = 0) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

void setRaw(onnx::TensorProto& tensor, const std::string& name, const std::vector<float>& values) {
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.clear_dims();
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
}

const Tensor& constantOf(const OnnxModel& model, const std::string& name) {
  return model.graph.value(*model.graph.findValue(name)).constant;
}

void expectElements(const Tensor& tensor, const std::vector<float>& expected) {
  ASSERT_EQ(tensor.elements(), static_cast<std::int64_t>(expected.size()));
  EXPECT_EQ(std::memcmp(tensor.data(), expected.data(), tensor.bytes()), 0);
}

/// Four large weights, w to wwww, that are added one after the other.
ModelBuilder fourWeights() {
  ModelBuilder builder;
  builder.input("x", {static_cast<std::int64_t>(300'001)}).output("y4");
  for (int i = 1; i <= 4; ++i) {
    const std::string name = std::string(static_cast<std::size_t>(i), 'w');
    setRaw(*builder.graph().add_initializer(), name, ramp(300'001, static_cast<float>(i)));
    builder.node("Add", {i == 1 ? "x" : "y" + std::to_string(i - 1), name}, {"y" + std::to_string(i)});
  }
  return builder;
}

TEST_F(WeightsInFile, AreReadAtEveryAlignment) {
  int inPlace = 0;
  for (std::size_t shift = 0; shift < 4; ++shift) {
    ModelBuilder builder = fourWeights();
    builder.model.set_producer_name(std::string(shift + 1, 'p')); // lies before the weights
    const auto model = readFile(builder.bytes());
    ASSERT_TRUE(model.ok()) << model.error().line();
    for (int i = 1; i <= 4; ++i) {
      const Tensor& tensor = constantOf(*model, std::string(static_cast<std::size_t>(i), 'w'));
      ASSERT_NE(tensor.source(), nullptr);
      inPlace += tensor.source()->inPlace() ? 1 : 0;
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % sizeof(float), 0u);
      expectElements(tensor, ramp(kMany, static_cast<float>(i)));
    }
  }
  EXPECT_EQ(inPlace, 4) << "each of them at one of four shifts";
}

TEST_F(WeightsInFile, AreThereAgainAfterTheirPagesWereGivenBack) {
  const auto model = readFile(fourWeights().bytes());
  ASSERT_TRUE(model.ok()) << model.error().line();
  for (int i = 1; i <= 4; ++i) {
    const Tensor& tensor = constantOf(*model, std::string(static_cast<std::size_t>(i), 'w'));
    tensor.source()->giveBack(0, tensor.bytes());
    expectElements(tensor.fresh(), ramp(kMany, static_cast<float>(i)));
    std::vector<float> part(1000);
    tensor.source()->write(part.data(), 5000 * sizeof(float), part.size() * sizeof(float));
    EXPECT_EQ(part.front(), 5000 + i);
    EXPECT_EQ(part.back(), 5999 + i);
  }
  EXPECT_FALSE(model->files.empty());
  for (const auto& file : model->files) EXPECT_TRUE(file->requireUnchanged().ok());
}

TEST_F(WeightsInFile, AreFoundInConstantNodesAndSubgraphs) {
  ModelBuilder builder;
  builder.input("x", {static_cast<std::int64_t>(kMany)}).output("y");
  auto& constant = builder.node("Constant", {}, {"c"});
  auto* value = constant.add_attribute();
  value->set_name("value");
  value->set_type(onnx::AttributeProto::TENSOR);
  setRaw(*value->mutable_t(), "", ramp(kMany, 7));
  builder.weight("yes", {}, {1}).set_data_type(onnx::TensorProto::BOOL);
  builder.graph().mutable_initializer(0)->clear_float_data();
  builder.graph().mutable_initializer(0)->add_int32_data(1);
  auto& branch = builder.node("If", {"yes"}, {"y"});
  for (const char* name : {"then_branch", "else_branch"}) {
    auto* attribute = branch.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    auto* body = attribute->mutable_g();
    body->set_name(name);
    setRaw(*body->add_initializer(), "inner", ramp(kMany, 9));
    ModelBuilder::node(*body, "Add", {"c", "inner"}, {std::string(name) + "_out"});
    body->add_output()->set_name(std::string(name) + "_out");
  }
  const auto model = readFile(builder.bytes());
  ASSERT_TRUE(model.ok()) << model.error().line();
  ASSERT_NE(constantOf(*model, "c").source(), nullptr);
  expectElements(constantOf(*model, "c"), ramp(kMany, 7));
  const Node& node = model->graph.nodes().back();
  const auto& body = *std::get<std::shared_ptr<const Graph>>(*node.attributes.find("then_branch"));
  const Tensor& inner = body.value(*body.findValue("inner")).constant;
  ASSERT_NE(inner.source(), nullptr);
  expectElements(inner, ramp(kMany, 9));
}

TEST_F(WeightsInFile, GiveTheSameModelAsReadingFromMemory) {
  const std::string bytes = fourWeights().bytes();
  const auto file = readFile(bytes);
  const auto memory = ModelBuilder::readBytes(bytes);
  ASSERT_TRUE(file.ok() && memory.ok());
  EXPECT_EQ(file->sha256.hex(), memory->sha256.hex());
  ASSERT_EQ(file->graph.values().size(), memory->graph.values().size());
  for (std::size_t i = 0; i < file->graph.values().size(); ++i) {
    const Value &a = file->graph.values()[i], &b = memory->graph.values()[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.desc, b.desc);
    ASSERT_EQ(a.isConstant(), b.isConstant());
    if (!a.isConstant()) continue;
    EXPECT_EQ(std::memcmp(a.constant.data(), b.constant.data(), a.constant.bytes()), 0);
  }
}

TEST_F(WeightsInFile, ThatAreTooShortOrNotFiniteAreReported) {
  ModelBuilder builder = fourWeights();
  builder.graph().mutable_initializer(2)->set_dims(0, 300'002);
  const auto tooShort = readFile(builder.bytes());
  ASSERT_FALSE(tooShort.ok());
  EXPECT_NE(tooShort.error().message.find("www"), std::string::npos) << tooShort.error().line();

  builder = fourWeights();
  std::vector<float> values = ramp(kMany);
  values[kMany - 1] = std::numeric_limits<float>::quiet_NaN();
  setRaw(*builder.graph().mutable_initializer(1), "ww", values);
  values[kMany - 1] = -std::numeric_limits<float>::infinity(); // as masks have it
  setRaw(*builder.graph().mutable_initializer(2), "www", values);
  const auto model = readFile(builder.bytes());
  ASSERT_TRUE(model.ok()) << model.error().line();
  ASSERT_TRUE(model->checkWeights);
  EXPECT_EQ(model->checkWeights(), "1 weights hold NaN or infinite values: 'ww'");
}

TEST_F(WeightsInFile, TheLastOfRepeatedFieldsCounts) {
  // Protobuf merges a tensor that is written twice; the bytes of the second one win.
  ModelBuilder builder;
  builder.input("x", {static_cast<std::int64_t>(kMany)}).output("y").node("Add", {"x", "w"}, {"y"});
  setRaw(*builder.graph().add_initializer(), "w", ramp(kMany, 1));
  for (std::size_t second : {kMany, std::size_t{3}}) {
    onnx::TensorProto again;
    again.set_raw_data(ramp(second, 2).data(), second * sizeof(float));
    onnx::ModelProto twice = builder.model;
    std::string tensor = twice.graph().initializer(0).SerializeAsString() + again.SerializeAsString();
    twice.mutable_graph()->clear_initializer();
    onnx::GraphProto rest = twice.graph();
    std::string graph = rest.SerializeAsString();
    const auto append = [](std::string& to, int field, const std::string& content) {
      to += static_cast<char>(field << 3 | 2);
      for (std::size_t left = content.size(); true; left >>= 7) {
        to += static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        if (left <= 0x7f) break;
      }
      to += content;
    };
    append(graph, onnx::GraphProto::kInitializerFieldNumber, tensor);
    twice.clear_graph();
    std::string bytes = twice.SerializeAsString();
    append(bytes, onnx::ModelProto::kGraphFieldNumber, graph);
    const auto model = readFile(bytes);
    ASSERT_EQ(model.ok(), second == kMany);
    if (model) expectElements(constantOf(*model, "w"), ramp(kMany, 2));
  }
}

TEST_F(WeightsInFile, ACutFileIsRefusedLikeFromMemory) {
  const std::string bytes = fourWeights().bytes();
  for (std::size_t size : {bytes.size() - 1, bytes.size() / 2, std::size_t{1} << 21}) {
    const auto file = readFile(bytes.substr(0, size));
    const auto memory = ModelBuilder::readBytes(bytes.substr(0, size));
    ASSERT_FALSE(file.ok());
    ASSERT_FALSE(memory.ok());
    EXPECT_EQ(file.error().message, memory.error().message);
  }
}

TEST_F(WeightsInFile, DamagedFilesAreJudgedAsFromMemory) {
  ModelBuilder builder;
  builder.input("x", {2000}).output("y").node("Add", {"x", "w"}, {"sum"});
  builder.node("Relu", {"sum"}, {"y"});
  setRaw(*builder.graph().add_initializer(), "w", ramp(2000));
  const std::string whole = builder.bytes();
  const std::size_t weights = whole.find(std::string("w")) + 1;
  std::mt19937 random(11);
  int opened = 0;
  for (int round = 0; round < 400; ++round) {
    std::string bytes = whole;
    for (int changes = 1 + round % 3; changes > 0; --changes) {
      // Mostly around the weights, whose bytes themselves may be anything.
      std::size_t at = random() % (bytes.size() - 7900);
      if (at > weights) at += 7900;
      bytes[std::min(at, bytes.size() - 1)] = static_cast<char>(random());
    }
    const auto file = readFile(bytes);
    const auto memory = ModelBuilder::readBytes(bytes);
    ASSERT_EQ(file.ok(), memory.ok()) << round;
    if (!file) continue;
    ++opened;
    ASSERT_EQ(file->graph.values().size(), memory->graph.values().size());
    for (std::size_t i = 0; i < file->graph.values().size(); ++i) {
      const Value &a = file->graph.values()[i], &b = memory->graph.values()[i];
      ASSERT_EQ(a.desc, b.desc) << round;
      ASSERT_EQ(a.isConstant(), b.isConstant()) << round;
      if (!a.isConstant()) continue;
      ASSERT_EQ(std::memcmp(a.constant.data(), b.constant.data(), a.constant.bytes()), 0) << round;
    }
  }
  EXPECT_GT(opened, 10);
}

TEST_F(WeightsInFile, AFileThatIsWrittenToIsNoticed) {
  const auto model = readFile(fourWeights().bytes());
  ASSERT_TRUE(model.ok()) << model.error().line();
  std::filesystem::resize_file(m_folder / "model.onnx", 1 << 20);
  const Tensor& tensor = constantOf(*model, "wwww");
  EXPECT_EQ(tensor.as<float>().back(), 0); // what is gone reads as zero
  const bool changed = std::any_of(model->files.begin(), model->files.end(),
                                   [](const auto& file) { return !file->requireUnchanged().ok(); });
  EXPECT_TRUE(changed);
}

} // namespace
} // namespace tandem
