// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/passes/graph_under_test.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

ValueId number(GraphUnderTest& net, float value) { return net.constant(Tensor::scalar(value)); }

/// What passes look for in transformers.
ValueId transformer(GraphUnderTest& net, ValueId x) {
  const auto mean = [&](ValueId v) { return net.op("ReduceMean", {v}, {{"axes", Ints{-1}}}, 13); };
  const ValueId d = net.op("Sub", {x, mean(x)});
  const ValueId variance = mean(net.op("Pow", {d, number(net, 2)}));
  x = net.op("Div", {net.op("Sub", {x, mean(x)}), net.op("Sqrt", {net.op("Add", {variance, number(net, 1e-2f)})})});
  const ValueId scores = net.op("MatMul", {x, net.op("Transpose", {x}, {{"perm", Ints{1, 0}}})});
  x = net.op("MatMul", {net.op("Softmax", {scores}), x});
  const ValueId erf = net.op("Erf", {net.op("Div", {x, number(net, 1.41421356f)})});
  x = net.op("Mul", {net.op("Mul", {x, net.op("Add", {erf, number(net, 1)})}), number(net, 0.5f)});
  return net.op("Mul", {x, net.op("Sigmoid", {x})});
}

/// Something for every pass to do.
GraphUnderTest everything() {
  GraphUnderTest net;
  ValueId x = net.input({1, 4, 6, 6});
  ValueId y = net.op("Identity", {x});
  y = net.op("Transpose", {y}, {{"perm", Ints{0, 2, 3, 1}}});
  y = net.op("Transpose", {y}, {{"perm", Ints{0, 3, 1, 2}}});
  y = net.op("Pad", {y, net.ints({0, 0, 1, 1, 0, 0, 1, 1})});
  const ValueId kernel = net.op("Neg", {net.weights({4, 4, 3, 3})});
  y = net.op("Conv", {y, kernel});
  y = net.op("BatchNormalization",
             {y, net.weights({4}), net.weights({4}), net.weights({4}), net.weights({4}, 0.5f, 2)});
  y = net.op("Add", {y, x});
  y = net.op("Relu", {y});
  net.op("Neg", {y}); // dead
  y = net.op("Reshape", {y, net.ints({4, 36})});
  y = net.op("MatMul", {y, net.weights({36, 5})});
  y = net.op("Add", {y, net.weights({5})});
  y = net.op("Tanh", {y});
  net.output(y);
  const ValueId parts = net.op("Reshape", {x, net.ints({1, 2, 2, 6, 6})});
  const ValueId swapped = net.op("Transpose", {parts}, {{"perm", Ints{0, 2, 1, 3, 4}}});
  net.output(net.op("Reshape", {swapped, net.ints({1, 4, 6, 6})}));
  const ValueId scale = net.constant(Tensor::scalar(0.05f));
  ValueId q = net.op("DequantizeLinear", {net.op("QuantizeLinear", {x, scale}), scale});
  q = net.op("QuantizeLinear", {net.op("MaxPool", {q}, {{"kernel_shape", Ints{2, 2}}}), scale});
  net.output(net.op("DequantizeLinear", {q, scale}));
  ValueId t = net.op("Reshape", {x, net.ints({36, 4})});
  t = net.op("Slice", {t, net.ints({2}), net.ints({9}), net.ints({0})});
  t = net.op("Slice", {t, net.ints({0}), net.ints({3}), net.ints({1})});
  net.output(transformer(net, t));
  return net;
}

PassContext withBytes() {
  PassContext context;
  context.mayUseBytes = [](const Node&) { return true; };
  return context;
}

} // namespace

TEST(PassRunner, AllPassesTogetherKeepTheResult) {
  GraphUnderTest net = everything();
  const Graph after = net.rewritten({}, withBytes());
  EXPECT_EQ(typesOf(after), "FusedConv Reshape FusedGemm Gather QuantizeLinear MaxPool DequantizeLinear Reshape "
                            "Slice LayerNormalization FusedAttention Gelu Swish");
  for (const Pass& pass : allPasses()) EXPECT_GT(net.changesOf(pass.name), 0) << pass.name;
  EXPECT_EQ(after.nodes()[0].origins.size(), 5u); // Pad, Conv, BatchNormalization, Add, Relu
}

TEST(PassRunner, EveryPassAloneAndEveryPassLeftOutKeepsTheResult) {
  for (const Pass& chosen : allPasses()) {
    PassOptions alone;
    for (const Pass& pass : allPasses())
      if (pass.name != chosen.name) alone.disabled.emplace(pass.name);
    GraphUnderTest net = everything();
    net.rewritten(alone, withBytes());
    net.rewritten(without({std::string(chosen.name)}), withBytes());
    EXPECT_EQ(net.changesOf(chosen.name), -1) << chosen.name;
  }
}

TEST(PassRunner, WithAllPassesDisabledNothingChanges) {
  PassOptions none;
  for (const Pass& pass : allPasses()) none.disabled.emplace(pass.name);
  GraphUnderTest net = everything();
  const std::string before = typesOf(net.graph);
  EXPECT_EQ(typesOf(net.rewritten(none)), before);
}

TEST(PassRunner, AnUnknownPassIsAnError) {
  GraphUnderTest net = everything();
  auto result = runPasses(net.graph, {}, without({"fold_everything"}));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::Usage);
  EXPECT_EQ(result.error().where, "fold_everything");
}

TEST(PassRunner, CancellingEndsTheRun) {
  GraphUnderTest net = everything();
  PassContext context;
  context.cancel.cancel();
  auto result = runPasses(net.graph, context);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
}

TEST(PassRunner, NothingIsFusedAcrossDevices) {
  GraphUnderTest net = everything();
  PassContext context;
  context.mayFuse = [](const Node&, const Node&) { return false; };
  PassOptions cleaning;
  for (const Pass& pass : allPasses())
    if (pass.name != "fold_constants" && pass.name != "remove_dead" && pass.name != "remove_identity")
      cleaning.disabled.emplace(pass.name);
  EXPECT_EQ(typesOf(net.rewritten({}, context)), typesOf(net.rewritten(cleaning)));
}
