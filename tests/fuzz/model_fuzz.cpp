// SPDX-License-Identifier: GPL-3.0-or-later
// The ONNX reader with everything that runs on opening: import, verify, shape inference (which evaluates small constant
// parts with the reference kernels), guesses about inputs and outputs.
#include "engine/formats/images/detection.hpp"
#include "engine/formats/images/preprocess.hpp"
#include "engine/formats/onnx/onnx_reader.hpp"
#include "engine/graph/verify.hpp"
#include "engine/ops/op_def.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/model_mutator.hpp"

#include <algorithm>

using namespace tandem;

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t maxSize,
                                               unsigned seed) {
  return fuzz::mutateModelBytes(data, size, maxSize, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto model = readOnnx(fuzz::bytesOf(data, size), "fuzz.onnx");
  if (!model) {
    fuzz::require(!model.error().message.empty() && !model.error().where.empty(), "an error says what and where");
    return 0;
  }
  fuzz::require(verify(model->graph).ok(), "what the reader gives is valid");
  const PreprocessSpec spec = guessPreprocess(model->graph);
  fuzz::require(spec.width >= 0 && spec.height >= 0, "a guessed picture has a size");
  (void)guessDetector(model->graph);
  const auto isStatic = [&](ValueId id) { return !id.valid() || model->graph.value(id).isStatic(); };
  for (const Node& node : model->graph.nodes())
    if (std::all_of(node.inputs.begin(), node.inputs.end(), isStatic) &&
        std::all_of(node.outputs.begin(), node.outputs.end(), isStatic))
      fuzz::require(costOf(model->graph, node).flops >= 0, "work is not negative");
  return 0;
}
