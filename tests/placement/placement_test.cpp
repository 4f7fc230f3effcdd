// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/placement.hpp"

#include <gtest/gtest.h>

using namespace tandem;

namespace {

Node nodeNamed(std::string name, std::string type = "Conv", std::string scope = {}) {
  Node node;
  node.name = std::move(name);
  node.type = std::move(type);
  node.scope = std::move(scope);
  return node;
}

bool matches(std::string_view pattern, const Node& node) {
  auto parsed = NodePattern::parse(pattern);
  EXPECT_TRUE(parsed.ok()) << pattern << ": " << parsed.error().line();
  return parsed.ok() && parsed->matches(node);
}

Placement withRule(const Placement& placement, const char* match, const char* device) {
  auto next = placement.withRule(match, device);
  EXPECT_TRUE(next.ok());
  return *next;
}

} // namespace

TEST(NodePattern, GlobsMatchNamesWithAndWithoutTheLeadingSlash) {
  EXPECT_TRUE(matches("layer1/*", nodeNamed("/layer1/block0/Conv")));
  EXPECT_TRUE(matches("/layer1/*", nodeNamed("/layer1/block0/Conv")));
  EXPECT_TRUE(matches("conv?", nodeNamed("conv1")));
  EXPECT_FALSE(matches("conv?", nodeNamed("conv10")));
  EXPECT_FALSE(matches("layer1/*", nodeNamed("/layer10/Conv")));
  EXPECT_TRUE(matches("*relu*", nodeNamed("block_relu_fwd")));
  EXPECT_TRUE(matches("*", nodeNamed("")));
}

TEST(NodePattern, GlobsMatchTheScopeToo) {
  EXPECT_TRUE(matches("layer1", nodeNamed("Conv_17", "Conv", "layer1")));
  EXPECT_TRUE(matches("layer1/*", nodeNamed("Conv_17", "Conv", "layer1")));
  EXPECT_TRUE(matches("layer1/block?", nodeNamed("Conv_17", "Conv", "layer1/block0")));
  EXPECT_FALSE(matches("layer2/*", nodeNamed("Conv_17", "Conv", "layer1")));
}

TEST(NodePattern, AGlobWithManyStarsIsNotExponential) {
  std::string glob;
  for (int i = 0; i < 300; ++i) glob += "a*";
  EXPECT_FALSE(matches(glob + "b", nodeNamed(std::string(4000, 'a'))));
}

TEST(NodePattern, OpMatchesTheTypeAndItsDomain) {
  EXPECT_TRUE(matches("op:Conv", nodeNamed("x")));
  EXPECT_FALSE(matches("op:Conv", nodeNamed("x", "ConvTranspose")));
  EXPECT_TRUE(matches("op:Reduce*", nodeNamed("x", "ReduceMean")));
  Node fused = nodeNamed("x", "Gelu");
  fused.domain = "com.microsoft";
  EXPECT_TRUE(matches("op:com.microsoft.Gelu", fused));
}

TEST(NodePattern, ScopeMatchesWholeParts) {
  EXPECT_TRUE(matches("scope:layer1", nodeNamed("n", "Conv", "layer1")));
  EXPECT_TRUE(matches("scope:layer1/", nodeNamed("n", "Conv", "layer1/block0")));
  EXPECT_FALSE(matches("scope:layer1", nodeNamed("n", "Conv", "layer10")));
  EXPECT_TRUE(matches("scope:", nodeNamed("n", "Conv", "")));
}

TEST(NodePattern, RegularExpressionsAreSearchedInTheName) {
  EXPECT_TRUE(matches("re:conv[0-9]+$", nodeNamed("stage_conv12")));
  EXPECT_FALSE(matches("re:^conv[0-9]+$", nodeNamed("stage_conv12")));
}

TEST(NodePattern, BadPatternsAreErrorsThatNameTheRule) {
  for (const char* text :
       {"re:(", "re:[a", "re:", "op:", "", "re:(a)\\1", "re:a{2000}", "re:((a{99}){99}){99}", "re:(?!a)b"}) {
    auto parsed = NodePattern::parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::InputRejected);
    EXPECT_NE(parsed.error().where.find(text), std::string::npos);
    EXPECT_FALSE(parsed.error().hint.empty());
  }
  EXPECT_FALSE(NodePattern::parse(std::string(2000, 'a')).ok());
}

TEST(NodePattern, AHostileRegularExpressionStaysFast) {
  EXPECT_TRUE(matches("re:a{5555555555555555555}", nodeNamed("a{5555555555555555555}"))); // a count that is none
  EXPECT_FALSE(matches("re:^(a*)*b$", nodeNamed(std::string(3000, 'a'))));
  EXPECT_FALSE(matches("re:^(a|a)*b$", nodeNamed(std::string(3000, 'a'))));
}

TEST(Placement, LaterRulesWinAndExactNodesWinOverRules) {
  Placement placement("CPU:0");
  placement = withRule(placement, "op:Conv", "GPU:0");
  placement = withRule(placement, "stem*", "GPU:1");
  placement = placement.withNode("stem_2", "CPU:1");

  EXPECT_EQ(placement.deviceFor(nodeNamed("relu", "Relu")), "CPU:0");
  EXPECT_EQ(placement.deviceFor(nodeNamed("c1")), "GPU:0");
  EXPECT_EQ(placement.deviceFor(nodeNamed("stem_1")), "GPU:1");
  EXPECT_EQ(placement.deviceFor(nodeNamed("stem_2")), "CPU:1");

  EXPECT_EQ(placement.choiceFor(nodeNamed("relu", "Relu")).by, PlacedBy::Default);
  EXPECT_FALSE(placement.choiceFor(nodeNamed("relu", "Relu")).byUser());
  EXPECT_EQ(placement.choiceFor(nodeNamed("stem_1")).by, PlacedBy::Rule);
  EXPECT_EQ(placement.choiceFor(nodeNamed("stem_1")).rule, 1u);
  EXPECT_EQ(placement.choiceFor(nodeNamed("stem_2")).by, PlacedBy::Node);
}

TEST(Placement, EditingLeavesTheOriginalAlone) {
  const Placement original = Placement("CPU:0").withNode("a", "GPU:0");
  const Placement edited = original.withNodes({{"a", "CPU:1"}, {"b", "GPU:0"}, {"b", "GPU:1"}});
  EXPECT_EQ(original.nodes().at("a"), "GPU:0");
  EXPECT_EQ(original.nodes().size(), 1u);
  EXPECT_EQ(edited.nodes().at("b"), "GPU:1");
  EXPECT_NE(original, edited);
  EXPECT_EQ(edited.withoutNodes({"b"}).withNode("a", "GPU:0"), original);
  EXPECT_EQ(edited.cleared(), Placement("CPU:0"));
  EXPECT_EQ(withRule(edited, "x", "GPU:0").withoutRule(0), edited);
  EXPECT_EQ(edited.withoutRule(7), edited);
  EXPECT_EQ(edited.devices(), (std::vector<std::string>{"CPU:0", "CPU:1", "GPU:1"}));
}

TEST(Placement, ABadRuleLeavesNoPlacement) { EXPECT_FALSE(Placement().withRule("re:(", "GPU:0").ok()); }
