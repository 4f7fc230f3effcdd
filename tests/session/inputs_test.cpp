// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/audio/audio_spec.hpp"
#include "engine/session/state_pairs.hpp"
#include "engine/session/synthetic.hpp"
#include "engine/session/text_input.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace tandem::session {
namespace {

using ::testing::HasSubstr;

struct Named {
  std::string name;
  DataType type;
  Shape shape;
  std::vector<std::string> symbols = {};
};

Graph graphOf(const std::vector<Named>& inputs, const std::vector<Named>& outputs) {
  Graph graph;
  for (const Named& each : inputs) {
    const ValueId id = graph.addInput(each.name, {each.type, each.shape});
    graph.value(id).rankKnown = true;
    graph.value(id).dimNames = each.symbols;
  }
  for (const Named& each : outputs) {
    Value value;
    value.name = each.name;
    value.desc = {each.type, each.shape};
    value.rankKnown = true;
    value.dimNames = each.symbols;
    graph.addOutput(graph.addValue(std::move(value)));
  }
  return graph;
}

std::string pairsOf(const Graph& graph) {
  std::string text;
  for (const StatePair& pair : guessStatePairs(graph))
    text += graph.value(graph.inputs()[pair.input]).name + "<" + graph.value(graph.outputs()[pair.output]).name + " " +
            pair.reason + ";";
  return text;
}

constexpr DataType kFloat = DataType::Float32;

TEST(StatePairs, FindsSileroAndDtlnAndCaches) {
  EXPECT_EQ(pairsOf(graphOf({{"input", kFloat, {-1, -1}}, {"state", kFloat, {2, -1, 128}}, {"sr", DataType::Int64, {}}},
                            {{"output", kFloat, {-1, 1}}, {"stateN", kFloat, {-1, -1, -1}}})),
            "state<stateN by name;");
  EXPECT_EQ(pairsOf(graphOf({{"input_2", kFloat, {1, 1, 257}}, {"input_3", kFloat, {1, 2, 128, 2}}},
                            {{"activation_2", kFloat, {1, 1, 257}}, {"tf_op_layer_stack_2", kFloat, {1, 2, 128, 2}}})),
            "input_3<tf_op_layer_stack_2 by shape;");
  EXPECT_EQ(pairsOf(graphOf({{"x", kFloat, {1, 8}}, {"h_in", kFloat, {1, 4}}, {"c_in", kFloat, {1, 4}}},
                            {{"y", kFloat, {1, 8}}, {"h_out", kFloat, {1, 4}}, {"c_out", kFloat, {1, 4}}})),
            "h_in<h_out by name;c_in<c_out by name;");
  EXPECT_EQ(pairsOf(graphOf({{"input_ids", DataType::Int64, {1, -1}}, {"past_key_values.0.key", kFloat, {1, 4, -1, 8}}},
                            {{"logits", kFloat, {1, -1, 9}}, {"present.0.key", kFloat, {1, 4, -1, 8}}})),
            "past_key_values.0.key<present.0.key by name;");
}

TEST(StatePairs, LeavesOtherModelsAlone) {
  // A denoiser whose output looks like its input has no memory, and two equal candidates are no guess.
  EXPECT_EQ(pairsOf(graphOf({{"x", kFloat, {1, 512}}}, {{"y", kFloat, {1, 512}}})), "");
  EXPECT_EQ(pairsOf(graphOf({{"x", kFloat, {1, 8}}, {"a", kFloat, {1, 4}}, {"b", kFloat, {1, 4}}},
                            {{"y", kFloat, {1, 8}}, {"p", kFloat, {1, 4}}, {"q", kFloat, {1, 4}}})),
            "");
  EXPECT_EQ(pairsOf(graphOf({{"left", kFloat, {1, 8}}, {"right", kFloat, {1, 8}}}, {{"score", kFloat, {1, 1}}})), "");
}

TEST(StatePairs, StartsWithZerosAndAnEmptyCache) {
  const Graph graph = graphOf({{"ids", DataType::Int64, {1, -1}}, {"past_k", kFloat, {1, 4, -1, 8}, {"", "", "P", ""}}},
                              {{"y", kFloat, {1, 1}}, {"present_k", kFloat, {1, 4, -1, 8}, {"", "", "P+T", ""}}});
  EXPECT_EQ(initialState(graph, guessStatePairs(graph).at(0)).shape(), (Shape{1, 4, 0, 8}));
  const Graph silero = graphOf({{"input", kFloat, {-1, -1}}, {"state", kFloat, {2, -1, 128}}},
                               {{"output", kFloat, {-1, 1}}, {"stateN", kFloat, {-1, -1, -1}}});
  const Tensor state = initialState(silero, guessStatePairs(silero).at(0));
  EXPECT_EQ(state.shape(), (Shape{2, 1, 128}));
  EXPECT_EQ(state.asDouble(17), 0);
}

TEST(Synthetic, ReadsDistributionsAndRefusesOthers) {
  EXPECT_EQ(toString(*parseDistribution("random:normal(0,1)")), "normal(0, 1)");
  EXPECT_EQ(toString(*parseDistribution("random:uniform( -2.5 , 3 )")), "uniform(-2.5, 3)");
  EXPECT_EQ(toString(*parseDistribution("random:integers(0,255)")), "whole numbers 0..255");
  EXPECT_EQ(toString(*parseDistribution("random")), "uniform(-1, 1)");
  for (const char* wrong :
       {"random:", "random:cauchy(0,1)", "random:normal(0)", "random:normal(0,-1)", "random:uniform(2,1)",
        "random:integers(0,1.5)", "random:normal(0,1)x", "random:normal(0,inf)"})
    EXPECT_FALSE(parseDistribution(wrong).ok()) << wrong;
  EXPECT_TRUE(isSynthetic("zeros"));
  EXPECT_FALSE(isSynthetic("zeros.npy"));
}

TEST(Synthetic, HasTheStatedMeanAndDeviationAndRepeats) {
  const Graph graph = graphOf({{"x", kFloat, {1, 20000}}}, {});
  const TensorDesc desc{kFloat, {1, 20000}};
  const auto draw = [&](const char* text, std::uint64_t seed) {
    return makeSynthetic(graph, 0, desc, *parseDistribution(text), seed)->tensor;
  };
  const Tensor normal = draw("random:normal(3,2)", 1);
  double mean = 0, square = 0;
  for (float value : normal.as<float>()) mean += static_cast<double>(value) / 20000;
  for (float value : normal.as<float>()) square += std::pow(static_cast<double>(value) - mean, 2) / 20000;
  EXPECT_NEAR(mean, 3, 0.05);
  EXPECT_NEAR(std::sqrt(square), 2, 0.05);
  const Tensor again = draw("random:normal(3,2)", 1);
  EXPECT_TRUE(std::equal(again.as<float>().begin(), again.as<float>().end(), normal.as<float>().begin()));
  const Tensor uniform = draw("random:uniform(0,1)", 2);
  for (float value : uniform.as<float>()) ASSERT_TRUE(value >= 0 && value <= 1);
}

TEST(Synthetic, TakesTokenNumbersFromTheModelsTable) {
  Graph graph = graphOf({{"input_ids", DataType::Int64, {1, 64}}, {"attention_mask", DataType::Int64, {1, 64}}}, {});
  Value cast;
  cast.desc = {DataType::Int32, {1, 64}};
  cast.rankKnown = true;
  const ValueId narrow = graph.addValue(cast);
  Node node;
  node.type = "Cast";
  node.inputs = {graph.inputs()[0]};
  node.outputs = {narrow};
  graph.addNode(node);
  Node gather;
  gather.type = "Gather";
  gather.inputs = {graph.addConstant("table", Tensor::zeros({kFloat, {7, 3}})), narrow};
  gather.outputs = {graph.addValue({})};
  graph.addNode(gather);
  EXPECT_EQ(tableSize(graph, 0), 7);
  const SyntheticInput made = *makeSynthetic(graph, 0, {DataType::Int64, {1, 64}}, Distribution{}, 1);
  EXPECT_THAT(made.distribution, HasSubstr("0..6 (rows of the table"));
  bool last = false;
  for (std::int64_t value : made.tensor.toInts()) {
    ASSERT_TRUE(value >= 0 && value < 7) << value;
    last |= value == 6;
  }
  EXPECT_TRUE(last);
  EXPECT_THAT(makeSynthetic(graph, 1, {DataType::Int64, {1, 64}}, Distribution{}, 1)->distribution, HasSubstr("ones"));
}

TEST(Synthetic, WhatDoesNotFitIsRefusedWithItsSizeBeforeItIsMade) {
  Graph graph;
  graph.addInput("pictures", {DataType::Float32, {kUnknownDim, 3}});
  for (const Shape& shape : {Shape{std::int64_t{1} << 50, 3}, Shape{std::int64_t{1} << 62, 3}}) {
    const auto made = makeSynthetic(graph, 0, {DataType::Float32, shape}, Distribution{}, 1);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, ErrorCode::DeviceFailed);
    EXPECT_EQ(made.error().where, "pictures");
    EXPECT_THAT(made.error().message, HasSubstr(shape[0] >> 50 == 1 ? "13510798882111488 bytes" : "over 2^63"));
    EXPECT_THAT(made.error().message, HasSubstr("are free"));
  }
}

TEST(TextInputs, AreFoundByNameAndType) {
  const DataType whole = DataType::Int64;
  auto inputs = guessTextInputs(graphOf(
      {{"input_ids", whole, {-1, -1}}, {"token_type_ids", whole, {-1, -1}}, {"attention_mask", whole, {-1, -1}}}, {}));
  ASSERT_TRUE(inputs);
  EXPECT_EQ(inputs->ids, 0U);
  EXPECT_EQ(inputs->types, 1U);
  EXPECT_EQ(inputs->mask, 2U);
  EXPECT_TRUE(guessTextInputs(graphOf({{"x", DataType::Int32, {1, 128}}}, {})));
  EXPECT_FALSE(guessTextInputs(graphOf({{"x", kFloat, {1, 128}}}, {})));
  EXPECT_FALSE(guessTextInputs(graphOf({{"a", whole, {1, 8}}, {"b", whole, {1, 8}}}, {})));
}

TEST(TextInputs, PadToTheModelsLengthAndRespectItsTable) {
  const std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\n";
  const auto words = WordPiece::parse(std::as_bytes(std::span(vocabulary.data(), vocabulary.size())), "vocab.txt");
  Graph graph = graphOf({{"ids", DataType::Int32, {1, 6}}, {"mask", DataType::Int64, {1, 6}}}, {});
  auto text = textTensors(graph, {0, 1, {}, {}}, *words, "hello hello", "", 0);
  ASSERT_TRUE(text.ok()) << text.error().line();
  EXPECT_EQ(text->tensors[0].type(), DataType::Int32);
  EXPECT_THAT(text->tensors[0].toInts(), ::testing::ElementsAre(2, 4, 4, 3, 0, 0));
  EXPECT_THAT(text->tensors[1].toInts(), ::testing::ElementsAre(1, 1, 1, 1, 0, 0));
  Node gather;
  gather.type = "Gather";
  gather.inputs = {graph.addConstant("table", Tensor::zeros({kFloat, {4, 2}})), graph.inputs()[0]};
  gather.outputs = {graph.addValue({})};
  graph.addNode(gather);
  EXPECT_THAT(textTensors(graph, {0, 1, {}, {}}, *words, "hello", "", 0).error().line(), HasSubstr("only 4"));
}

TEST(AudioSpec, IsGuessedFromShapesAndNames) {
  auto spec = guessAudio(
      graphOf({{"input", kFloat, {-1, -1}}, {"state", kFloat, {2, -1, 128}}, {"sr", DataType::Int64, {}}}, {}));
  ASSERT_TRUE(spec);
  EXPECT_EQ(toString(*spec), "rate=16000,window=576,hop=512");
  EXPECT_TRUE(spec->certain);
  EXPECT_EQ(toString(*guessAudio(graphOf({{"x", kFloat, {1, 1, 512}}}, {}))), "rate=0,window=512,hop=512");
  EXPECT_EQ(guessAudio(graphOf({{"x", kFloat, {1, -1}}}, {}))->window, 0);
  EXPECT_FALSE(guessAudio(graphOf({{"x", kFloat, {1, 1, 257}}}, {})));
  EXPECT_FALSE(guessAudio(graphOf({{"x", kFloat, {1, 3, 224, 224}}}, {})));
  EXPECT_FALSE(guessAudio(graphOf({{"x", kFloat, {1, 4}}}, {})));
  EXPECT_FALSE(guessAudio(graphOf({{"x", DataType::Int64, {1, -1}}}, {})));
}

TEST(AudioSpec, ReadsItsTextForm) {
  const AudioSpec base{16000, 512, 512, {1}, false};
  EXPECT_EQ(toString(*parseAudio("hop=128", base)), "rate=16000,window=512,hop=128");
  EXPECT_EQ(toString(*parseAudio("window=256 rate=8000", base)), "rate=8000,window=256,hop=256");
  for (const char* wrong : {"hop=0", "hop=513", "window=-1", "rate=9999999", "speed=2", "hop", "hop=1x"})
    EXPECT_FALSE(parseAudio(wrong, base).ok()) << wrong;
}

TEST(AudioSpec, CutsOverlappingFramesThatStartInSilence) {
  const AudioClip clip{16000, 1, {1, 2, 3, 4, 5}};
  const AudioSpec spec{16000, 4, 2, {1}, false};
  ASSERT_EQ(frameCount(5, spec), 3);
  const auto frame = [&](std::int64_t i) {
    const Tensor tensor = frameOf(clip, spec, i, kFloat);
    EXPECT_EQ(tensor.shape(), (Shape{1, 4}));
    return std::vector<float>(tensor.as<float>().begin(), tensor.as<float>().end());
  };
  EXPECT_THAT(frame(0), ::testing::ElementsAre(0, 0, 1, 2));
  EXPECT_THAT(frame(1), ::testing::ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(frame(2), ::testing::ElementsAre(3, 4, 5, 0));
}

} // namespace
} // namespace tandem::session
