// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/passes/graph_under_test.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

using NamedAttributes = std::vector<std::pair<std::string, Attribute>>;
constexpr float kRootOfTwo = 1.41421356f;

ValueId number(GraphUnderTest& net, float value) { return net.constant(Tensor::scalar(value)); }

/// Gelu with erf, in the ways exporters write it.
ValueId geluByErf(GraphUnderTest& net, ValueId x, int form) {
  const ValueId inner =
      form % 2 == 0 ? net.op("Div", {x, number(net, kRootOfTwo)}) : net.op("Mul", {number(net, 1 / kRootOfTwo), x});
  const ValueId erf = net.op("Erf", {inner});
  const ValueId gate = form < 4 ? net.op("Add", {erf, number(net, 1)}) : net.op("Add", {number(net, 1), erf});
  const ValueId half = number(net, 0.5f);
  switch (form) {
  case 0: return net.op("Mul", {net.op("Mul", {x, gate}), half});
  case 1: return net.op("Mul", {net.op("Mul", {x, half}), gate});
  case 2: return net.op("Mul", {x, net.op("Mul", {gate, half})});
  case 3: return net.op("Mul", {half, net.op("Mul", {gate, x})});
  case 4: return net.op("Div", {net.op("Mul", {gate, x}), number(net, 2)});
  default: return net.op("Mul", {gate, net.op("Div", {x, number(net, 2)})});
  }
}

ValueId geluByTanh(GraphUnderTest& net, ValueId x, int form) {
  const ValueId k = number(net, 0.7978845608f), c = number(net, 0.044715f), one = number(net, 1);
  ValueId inner;
  if (form == 0) {
    const ValueId cube = net.op("Pow", {x, number(net, 3)});
    inner = net.op("Mul", {net.op("Add", {x, net.op("Mul", {cube, c})}), k});
  } else if (form == 1) {
    const ValueId cube = net.op("Mul", {x, net.op("Mul", {x, net.op("Mul", {c, x})})});
    inner = net.op("Mul", {k, net.op("Add", {x, cube})});
  } else {
    const ValueId bracket = net.op("Add", {one, net.op("Mul", {net.op("Mul", {x, c}), x})});
    inner = net.op("Mul", {net.op("Mul", {x, k}), bracket});
  }
  const ValueId gate = net.op("Add", {net.op("Tanh", {inner}), one});
  return form == 1 ? net.op("Mul", {x, net.op("Mul", {number(net, 0.5f), gate})})
                   : net.op("Mul", {net.op("Mul", {x, number(net, 0.5f)}), gate});
}

/// Layer normalization over the last axis, or RMS normalization where `centred` is false, without scale and bias.
ValueId normalized(GraphUnderTest& net, ValueId x, bool centred, int form) {
  const auto mean = [&](ValueId v) {
    return form == 1 ? net.op("ReduceMean", {v, net.ints({-1})}, {}, 18)
                     : net.op("ReduceMean", {v}, {{"axes", Ints{-1}}}, 13);
  };
  const auto difference = [&] { return centred ? net.op("Sub", {x, mean(x)}) : x; };
  const ValueId d = difference();
  const ValueId square = form == 2 ? net.op("Mul", {d, d}) : net.op("Pow", {d, number(net, 2)});
  const ValueId variance = net.op("Add", {mean(square), number(net, 1e-3f)});
  if (form == 3) return net.op("Mul", {d, net.op("Pow", {variance, number(net, -0.5f)})});
  const ValueId root = net.op("Sqrt", {variance});
  if (form == 1) return net.op("Mul", {net.op("Reciprocal", {root}), d});
  if (form == 2) return net.op("Mul", {d, net.op("Div", {number(net, 1), root})});
  return net.op("Div", {d, root});
}

} // namespace

TEST(FuseLayerNorm, EveryWayToWriteItBecomesOneNode) {
  for (bool centred : {true, false}) {
    for (int form = 0; form < 4; ++form) {
      for (int parameters = 0; parameters < 3; ++parameters) {
        SCOPED_TRACE(std::to_string(form) + (centred ? " centred " : " ") + std::to_string(parameters));
        GraphUnderTest net;
        ValueId y = normalized(net, net.input({2, 3, 6}), centred, form);
        if (parameters > 0) y = net.op("Mul", {net.weights({1, 1, 6}), y});
        if (parameters > 1 && centred) y = net.op("Add", {y, net.weights({6})});
        net.output(y);
        const Graph after = net.rewritten();
        EXPECT_EQ(onlyNode(after).type, centred ? "LayerNormalization" : "RMSNormalization");
        EXPECT_EQ(onlyNode(after).origins.size(), net.graph.nodes().size());
      }
    }
  }
}

TEST(FuseLayerNorm, OverSeveralAxesAndWithTheScaleFirst) {
  GraphUnderTest net;
  const ValueId x = net.input({2, 3, 4, 5});
  const NamedAttributes axes{{"axes", Ints{3, 2}}};
  const ValueId d = net.op("Sub", {x, net.op("ReduceMean", {x}, axes, 13)});
  const ValueId variance = net.op("ReduceMean", {net.op("Mul", {d, d})}, axes, 13);
  const ValueId inverse = net.op("Reciprocal", {net.op("Sqrt", {net.op("Add", {variance, number(net, 1e-5f)})})});
  const ValueId y = net.op("Mul", {net.op("Mul", {inverse, net.weights({4, 5})}), d});
  net.output(net.op("Add", {y, net.weights({4, 5})}));
  EXPECT_EQ(onlyNode(net.rewritten()).attributes.getInt("axis", 0), -2);
}

TEST(FuseLayerNorm, TwoDifferencesOfTheSameAreOne) {
  GraphUnderTest net;
  const ValueId x = net.input({4, 6});
  const NamedAttributes axes{{"axes", Ints{1}}};
  const ValueId mean = net.op("ReduceMean", {x}, axes, 13);
  const ValueId square = net.op("Pow", {net.op("Sub", {x, mean}), number(net, 2)});
  const ValueId root = net.op("Sqrt", {net.op("Add", {net.op("ReduceMean", {square}, axes, 13), number(net, 1e-5f)})});
  net.output(net.op("Div", {net.op("Sub", {x, mean}), root}));
  EXPECT_EQ(onlyNode(net.rewritten()).type, "LayerNormalization");
}

TEST(FuseLayerNorm, WhatOnlyLooksLikeItStays) {
  GraphUnderTest first; // over an axis that is not the last
  const ValueId x = first.input({3, 4, 5});
  const NamedAttributes axes{{"axes", Ints{1}}};
  const ValueId d = first.op("Sub", {x, first.op("ReduceMean", {x}, axes, 13)});
  const ValueId variance = first.op("ReduceMean", {first.op("Mul", {d, d})}, axes, 13);
  first.output(first.op("Div", {d, first.op("Sqrt", {first.op("Add", {variance, number(first, 1e-5f)})})}));
  EXPECT_EQ(first.rewritten().nodes().size(), 7u);

  GraphUnderTest read; // the variance is an output, too
  const ValueId z = read.input({3, 5});
  const ValueId squares = read.op("ReduceMean", {read.op("Mul", {z, z})}, {{"axes", Ints{-1}}}, 13);
  read.output(squares);
  read.output(read.op("Div", {z, read.op("Sqrt", {read.op("Add", {squares, number(read, 1e-5f)})})}));
  EXPECT_EQ(read.rewritten().nodes().size(), 5u);

  GraphUnderTest other; // the square of something else
  const ValueId a = other.input({3, 5}, "a"), b = other.input({3, 5}, "b");
  const ValueId mean = other.op("ReduceMean", {other.op("Mul", {a, a})}, {{"axes", Ints{-1}}}, 13);
  other.output(other.op("Div", {b, other.op("Sqrt", {other.op("Add", {mean, number(other, 1e-5f)})})}));
  EXPECT_EQ(other.rewritten().nodes().size(), 5u);
}

TEST(FuseLayerNorm, AScaleThatIsNotOnePerElementStaysOutside) {
  GraphUnderTest net;
  net.output(net.op("Mul", {normalized(net, net.input({2, 3, 6}), true, 0), net.weights({2, 3, 6})}));
  EXPECT_EQ(typesOf(net.rewritten()), "LayerNormalization Mul");
}

TEST(FuseGelu, EveryWayToWriteItWithErfBecomesOneNode) {
  for (int form = 0; form < 6; ++form) {
    SCOPED_TRACE(form);
    GraphUnderTest net;
    net.output(geluByErf(net, net.input({2, 3, 5}), form));
    const Graph after = net.rewritten();
    EXPECT_EQ(onlyNode(after).type, "Gelu");
    EXPECT_EQ(onlyNode(after).origins.size(), 5u);
    EXPECT_EQ(onlyNode(after).attributes.getString("approximate", "none"), "none");
  }
}

TEST(FuseGelu, EveryWayToWriteItWithTanhBecomesOneNode) {
  for (int form = 0; form < 3; ++form) {
    SCOPED_TRACE(form);
    GraphUnderTest net;
    // The value is made by an addition, which must not be taken for a part of Gelu.
    net.output(geluByTanh(net, net.op("Add", {net.input({2, 3, 5}), net.weights({5})}), form));
    const Graph after = net.rewritten();
    EXPECT_EQ(typesOf(after), "Add Gelu");
    EXPECT_EQ(after.nodes()[1].attributes.getString("approximate", "none"), "tanh");
  }
}

TEST(FuseGelu, OtherNumbersAndOtherReadersKeepTheNodes) {
  GraphUnderTest other;
  const ValueId x = other.input({4, 5});
  const ValueId gate =
      other.op("Add", {other.op("Erf", {other.op("Div", {x, number(other, 1.5f)})}), number(other, 1)});
  other.output(other.op("Mul", {other.op("Mul", {x, gate}), number(other, 0.5f)}));
  EXPECT_EQ(typesOf(other.rewritten()), "Div Erf Add Mul Mul");

  GraphUnderTest read;
  const ValueId y = read.input({4, 5});
  const ValueId erf = read.op("Erf", {read.op("Div", {y, number(read, kRootOfTwo)})});
  read.output(erf);
  read.output(read.op("Mul", {read.op("Mul", {y, read.op("Add", {erf, number(read, 1)})}), number(read, 0.5f)}));
  EXPECT_EQ(typesOf(read.rewritten()), "Div Erf Add Mul Mul");
}

TEST(FuseGelu, ADeviceThatCannotRunItKeepsTheNodes) {
  GraphUnderTest net;
  net.output(geluByErf(net, net.input({2, 3}), 0));
  PassContext context;
  context.canRun = [](const Graph& graph, NodeId id) { return graph.node(id).type != "Gelu"; };
  EXPECT_EQ(net.rewritten({}, context).nodes().size(), 5u);
  EXPECT_EQ(net.rewritten(without({"fuse_gelu"})).nodes().size(), 5u);
}
