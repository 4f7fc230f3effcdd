// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/gallery/gallery.hpp"

#include "engine/gallery/weights.hpp"
#include "engine/graph/hierarchy.hpp"
#include "engine/graph/verify.hpp"
#include "engine/ops/shape_inference.hpp"

#include <cmath>
#include <gmock/gmock.h>

namespace tandem {
namespace {

using ::testing::HasSubstr;

Graph built(std::string_view name) {
  auto graph = buildSample(name);
  EXPECT_TRUE(graph.ok()) << name << ": " << (graph.ok() ? "" : graph.error().line());
  return graph.ok() ? std::move(graph).value() : Graph();
}

std::int64_t parameters(const Graph& graph, bool withStatistics) {
  std::int64_t count = 0;
  for (const Value& value : graph.values()) {
    const bool statistic = value.name.ends_with(".mean") || value.name.ends_with(".variance");
    if (value.isConstant() && value.desc.shape.rank() > 0 && (withStatistics || !statistic))
      count += value.constant.elements();
  }
  return count;
}

TEST(Gallery, EverySampleIsValidAndHasAnOpenBatch) {
  ASSERT_GE(gallerySamples().size(), 5u);
  for (const GallerySample& sample : gallerySamples()) {
    const Graph graph = built(sample.name);
    EXPECT_TRUE(verify(graph).ok()) << sample.name;
    ASSERT_EQ(graph.inputs().size(), 1u);
    ASSERT_EQ(graph.outputs().size(), 1u);
    const Value& input = graph.value(graph.inputs()[0]);
    EXPECT_EQ(input.desc, (TensorDesc{DataType::Float32, sample.inputShape}));
    EXPECT_EQ(input.dimNames.at(0), "N");
    EXPECT_FALSE(sample.title.empty());
    EXPECT_FALSE(sample.description.empty());
  }
}

TEST(Gallery, ParameterCountsAreThePublishedOnes) {
  // The counts torchvision documents for its models of the same names.
  EXPECT_EQ(parameters(built("squeezenet"), false), 1'235'496);
  EXPECT_EQ(parameters(built("resnet50"), false), 25'557'032);
  EXPECT_EQ(parameters(built("mobilenet_v2"), false), 3'504'872);
}

TEST(Gallery, BatchesReachTheOutput) {
  for (const GallerySample& sample : gallerySamples()) {
    Graph graph = built(sample.name);
    InferOptions options;
    Shape shape = sample.inputShape;
    shape[0] = 7;
    options.inputShapes[graph.value(graph.inputs()[0]).name] = shape;
    auto known = inferShapes(graph, options);
    ASSERT_TRUE(known.ok()) << known.error().line();
    EXPECT_EQ(graph.value(graph.outputs()[0]).desc, (TensorDesc{DataType::Float32, {7, sample.classes}}));
  }
}

TEST(Gallery, ScopesFollowTheModules) {
  const Graph graph = built("squeezenet");
  ASSERT_TRUE(graph.findNode("fire2/squeeze/Conv").has_value());
  EXPECT_EQ(graph.node(*graph.findNode("fire2/squeeze/Conv")).scope, "fire2/squeeze");
  const Hierarchy hierarchy = buildHierarchy(graph);
  // Two convolutions' scopes (conv1, classifier), and per fire module itself and its three parts.
  EXPECT_EQ(hierarchy.scopes.size(), 1u + 2u + 8u * 4u);
}

TEST(Gallery, WeightsAreTheSameEveryTimeAndOnEveryMachine) {
  gallery::WeightStream stream("sample");
  EXPECT_EQ(stream.next(), 13663518778324140288u);
  const Graph first = built("mnist");
  const Graph second = built("mnist");
  for (std::size_t i = 0; i < first.values().size(); ++i) {
    const Tensor& a = first.values()[i].constant;
    const Tensor& b = second.values()[i].constant;
    if (!a.defined()) continue;
    EXPECT_TRUE(std::equal(a.as<float>().begin(), a.as<float>().end(), b.as<float>().begin()));
  }
}

TEST(Gallery, WeightsAreNormalWithTheStatedDeviation) {
  const Tensor tensor = gallery::heNormal("w", {100'000}, 50);
  double sum = 0;
  double squares = 0;
  double fourth = 0;
  for (float value : tensor.as<float>()) {
    const double v = static_cast<double>(value) / std::sqrt(2.0 / 50.0);
    sum += v;
    squares += v * v;
    fourth += v * v * v * v;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.01);
  EXPECT_NEAR(squares / 1e5, 1, 0.02);
  // Kurtosis of a sum of twelve uniform numbers: 3 - 1.2 / 12.
  EXPECT_NEAR(fourth / 1e5, 2.9, 0.1);
}

TEST(Gallery, AnUnknownNameListsTheKnownOnes) {
  auto graph = buildSample("resnet51");
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().code, ErrorCode::Usage);
  EXPECT_THAT(graph.error().hint, HasSubstr("squeezenet"));
}

} // namespace
} // namespace tandem
