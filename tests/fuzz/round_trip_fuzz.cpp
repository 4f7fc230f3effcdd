// SPDX-License-Identifier: GPL-3.0-or-later
// What was read is written, read again, and must be the same; layer annotations into the same file as well.
#include "engine/formats/onnx/onnx_reader.hpp"
#include "engine/formats/onnx/onnx_writer.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/model_mutator.hpp"

#include <set>

using namespace tandem;

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t maxSize,
                                               unsigned seed) {
  return fuzz::mutateModelBytes(data, size, maxSize, seed);
}

namespace {

std::span<const std::byte> bytesOf(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::multiset<std::string> nodesOf(const Graph& graph) {
  std::multiset<std::string> nodes;
  for (const Node& node : graph.nodes()) nodes.insert(node.name + "\n" + node.domain + "\n" + node.type);
  return nodes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto model = readOnnx(fuzz::bytesOf(data, size), "fuzz.onnx");
  auto annotated = annotateOnnx(fuzz::bytesOf(data, size), [](std::string_view) { return "CPU"; });
  if (!model) return 0;
  fuzz::requireOk(annotated, "a model that opens can be annotated");
  auto annotatedModel = readOnnx(bytesOf(*annotated), "annotated.onnx");
  fuzz::requireOk(annotatedModel, "an annotated model opens");
  fuzz::require(nodesOf(annotatedModel->graph) == nodesOf(model->graph), "an annotated model has the same nodes");

  auto written = writeOnnx(model->graph);
  if (!written) {
    fuzz::require(written.error().code == ErrorCode::Unsupported, "what cannot be written is unsupported");
    return 0;
  }
  auto again = readOnnx(bytesOf(*written), "written.onnx");
  fuzz::requireOk(again, "a written model opens");
  fuzz::require(nodesOf(again->graph) == nodesOf(model->graph), "a written model has the same nodes");
  fuzz::require(again->graph.inputs().size() == model->graph.inputs().size(), "a written model has the same inputs");
  fuzz::require(again->graph.outputs().size() == model->graph.outputs().size(), "a written model has the same outputs");
  return 0;
}
