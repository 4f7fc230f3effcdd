// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "tests/formats/proto_builder.hpp"

namespace tandem::testing {

/// A small model with everything in it: weights in several forms, attributes, a subgraph, a function, value_info.
inline std::string richModel() {
  ModelBuilder builder;
  auto* import = builder.model.add_opset_import();
  import->set_domain("local");
  import->set_version(1);
  builder.input("cond", {}).input("x", {2, 3}).output("y");
  builder.weight("w", {2, 3}, {1, 2, 3, 4, 5, 6});
  auto& raw = builder.weight("raw", {3}, {});
  const float numbers[] = {1, 2, 3};
  raw.set_raw_data(numbers, sizeof numbers);
  auto* function = builder.model.add_functions();
  function->set_name("F");
  function->set_domain("local");
  function->add_input("a");
  function->add_output("b");
  auto* opset = function->add_opset_import();
  opset->set_version(17);
  auto* inner = function->add_node();
  inner->set_op_type("Relu");
  inner->add_input("a");
  inner->add_output("b");
  builder.node("Add", {"x", "w"}, {"s"}, "block/add");
  builder.node("F", {"s"}, {"f"}, "block/call").set_domain("local");
  auto& concat = builder.node("Concat", {"f", "s"}, {"c"}, "block/concat");
  auto* axis = concat.add_attribute();
  axis->set_name("axis");
  axis->set_type(onnx::AttributeProto::INT);
  axis->set_i(0);
  auto& branch = builder.node("If", {"cond"}, {"y"}, "if");
  for (const char* name : {"then_branch", "else_branch"}) {
    auto* attribute = branch.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    ModelBuilder::node(*attribute->mutable_g(), "Add", {"c", "raw"}, {"out"});
    attribute->mutable_g()->add_output()->set_name("out");
  }
  ModelBuilder::describe(*builder.graph().add_value_info(), "s", {2, 3});
  return builder.bytes();
}

} // namespace tandem::testing
