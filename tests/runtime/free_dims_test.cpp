// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/free_dims.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kOpen = kUnknownDim;

void addInput(Graph& graph, const std::string& name, DataType type, Shape shape,
              std::vector<std::string> symbols = {}) {
  const ValueId id = graph.addInput(name, {type, std::move(shape)});
  graph.value(id).rankKnown = true;
  graph.value(id).dimNames = std::move(symbols);
}

SizedInputs sized(const Graph& graph, const std::map<std::string, std::int64_t>& chosen = {}, std::int64_t batch = 1) {
  auto result = sizeInputs(graph, chosen, batch);
  EXPECT_TRUE(result.ok()) << result.error().line();
  return result.ok() ? *result : SizedInputs();
}

Graph transformer() {
  Graph graph;
  for (const char* name : {"input_ids", "attention_mask"})
    addInput(graph, name, DataType::Int64, {kOpen, kOpen}, {"batch", "tokens"});
  return graph;
}

TEST(FreeDims, OneSymbolIsOneSizeInAllInputs) {
  const SizedInputs inputs = sized(transformer(), {{"tokens", 17}}, 2);
  EXPECT_EQ(inputs.shapes.at("input_ids"), (Shape{2, 17}));
  EXPECT_EQ(inputs.shapes.at("attention_mask"), (Shape{2, 17}));
  ASSERT_EQ(inputs.dims.size(), 1u);
  EXPECT_TRUE(inputs.dims[0].chosen);
  EXPECT_EQ(inputs.dims[0].where, (std::vector<std::string>{"input_ids[1]", "attention_mask[1]"}));
}

TEST(FreeDims, AGuessSaysThatItIsOne) {
  const SizedInputs inputs = sized(transformer());
  ASSERT_EQ(inputs.dims.size(), 1u);
  EXPECT_FALSE(inputs.dims[0].chosen);
  EXPECT_EQ(inputs.dims[0].size, 64);
  EXPECT_EQ(inputs.dims[0].reason, "length of a sequence");
}

TEST(FreeDims, ASumOfSymbolsFollowsFromThem) {
  Graph graph;
  addInput(graph, "past_key", DataType::Float32, {kOpen, 4, kOpen, 8}, {"batch", "", "past_len", ""});
  addInput(graph, "ids", DataType::Int64, {kOpen, kOpen}, {"batch", "len"});
  addInput(graph, "mask", DataType::Int64, {kOpen, kOpen}, {"batch", "past_len + len"});
  const SizedInputs inputs = sized(graph, {{"past_len", 10}, {"len", 1}});
  EXPECT_EQ(inputs.shapes.at("past_key"), (Shape{1, 4, 10, 8}));
  EXPECT_EQ(inputs.shapes.at("mask"), (Shape{1, 11}));
  EXPECT_EQ(inputs.dims.size(), 2u);
}

TEST(FreeDims, TheSymbolOfTheBatchIsTheBatchOnEveryAxis) {
  Graph graph;
  addInput(graph, "x", DataType::Float32, {kOpen, 64}, {"batch", ""});
  addInput(graph, "state", DataType::Float32, {2, kOpen, 128}, {"", "batch", ""});
  EXPECT_EQ(sized(graph, {}, 3).shapes.at("state"), (Shape{2, 3, 128}));
  EXPECT_TRUE(sized(graph, {}, 3).dims.empty());
}

TEST(FreeDims, PicturesGetAWidthAndAHeight) {
  Graph graph;
  addInput(graph, "x", DataType::Float32, {kOpen, 3, 48, kOpen});
  const SizedInputs inputs = sized(graph);
  EXPECT_EQ(inputs.shapes.at("x"), (Shape{1, 3, 48, 320}));
  EXPECT_EQ(inputs.dims.at(0).key, "x:3");
  EXPECT_EQ(sized(graph, {{"x:3", 96}}).shapes.at("x"), (Shape{1, 3, 48, 96}));
}

TEST(FreeDims, AHintIsBetterThanAGuessAndAChoiceBetterThanAHint) {
  Graph graph;
  addInput(graph, "sound", DataType::Float32, {kOpen, kOpen});
  const SizeHints hints{{"sound:1", {576, "a frame of sound"}}};
  EXPECT_EQ(sizeInputs(graph, {}, 1, hints)->shapes.at("sound"), (Shape{1, 576}));
  EXPECT_EQ(sizeInputs(graph, {{"sound:1", 9}}, 1, hints)->shapes.at("sound"), (Shape{1, 9}));
}

TEST(FreeDims, AnUnknownKeyIsRefusedWithThoseThatAreOpen) {
  const auto result = sizeInputs(transformer(), {{"sequence", 3}}, 1);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::Usage);
  EXPECT_THAT(result.error().line(), HasSubstr("open are tokens"));
}

TEST(FreeDims, ANegativeSizeIsRefused) {
  const auto result = sizeInputs(transformer(), {{"tokens", -3}}, 1);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().line(), HasSubstr("size -3 of 'tokens'"));
}

} // namespace
} // namespace tandem
