// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/passes/graph_under_test.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

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

} // namespace

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
