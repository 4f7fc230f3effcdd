// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/onnx/onnx_reader.hpp"

#include <onnx/onnx_pb.h>

namespace tandem::testing {

/// Builds small ONNX files by hand, also wrong ones.
class ModelBuilder {
 public:
  ModelBuilder() {
    model.set_ir_version(8);
    model.set_producer_name("test");
    auto* import = model.add_opset_import();
    import->set_domain("");
    import->set_version(17);
    graph().set_name("g");
  }
  onnx::GraphProto& graph() { return *model.mutable_graph(); }

  static void describe(onnx::ValueInfoProto& info, const std::string& name, std::vector<std::int64_t> dims,
                       int type = onnx::TensorProto::FLOAT) {
    info.set_name(name);
    auto* tensor = info.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    auto* shape = tensor->mutable_shape();
    for (std::int64_t dim : dims) shape->add_dim()->set_dim_value(dim);
  }
  ModelBuilder& input(const std::string& name, std::vector<std::int64_t> dims) {
    describe(*graph().add_input(), name, std::move(dims));
    return *this;
  }
  ModelBuilder& output(const std::string& name) {
    graph().add_output()->set_name(name);
    return *this;
  }
  onnx::TensorProto& weight(const std::string& name, std::vector<std::int64_t> dims, std::vector<float> values) {
    auto* tensor = graph().add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(onnx::TensorProto::FLOAT);
    for (std::int64_t dim : dims) tensor->add_dims(dim);
    for (float value : values) tensor->add_float_data(value);
    return *tensor;
  }
  static onnx::NodeProto& node(onnx::GraphProto& in, const std::string& type, std::vector<std::string> inputs,
                               std::vector<std::string> outputs, const std::string& name = {}) {
    auto* node = in.add_node();
    node->set_op_type(type);
    for (auto& each : inputs) node->add_input(each);
    for (auto& each : outputs) node->add_output(each);
    if (!name.empty()) node->set_name(name);
    return *node;
  }
  onnx::NodeProto& node(const std::string& type, std::vector<std::string> inputs, std::vector<std::string> outputs,
                        const std::string& name = {}) {
    return node(graph(), type, std::move(inputs), std::move(outputs), name);
  }
  std::string bytes() const { return model.SerializeAsString(); }
  Result<OnnxModel> read() const { return readBytes(bytes()); }
  static Result<OnnxModel> readBytes(const std::string& bytes) {
    return readOnnx(std::as_bytes(std::span(bytes.data(), bytes.size())), "test.onnx");
  }

  onnx::ModelProto model;
};

} // namespace tandem::testing
