// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/formats/tensors/sha256.hpp"
#include "engine/graph/graph.hpp"

#include <functional>
#include <map>

namespace tandem {

/// A model as read, whatever the kind of its file. The graph holds ONNX operators; its weights keep alive what they
/// view (a parsed message, a mapped file).
struct ImportedModel {
  Graph graph;
  std::string producer;              ///< "pytorch 2.1", "keras 3.5.0"
  int irVersion = 0;                 ///< of ONNX files
  std::map<std::string, int> opsets; ///< by domain; "" is ai.onnx
  LazySha256 sha256;                 ///< of the model file, without its external data
  /// Operators that nothing here can run, with the opset of the file: "Crop-7 (1 node)". Such a model can be viewed.
  std::vector<std::string> unsupportedOperators;
  std::vector<std::string> warnings; ///< for people, at most 100
  /// What weights view, the model file among them: ask them whether they changed after computing with them.
  std::vector<std::shared_ptr<const MappedFile>> files;
  /// What people should know about the elements of the weights, or nothing; reads all of them. Empty where that was
  /// done.
  std::function<std::string()> checkWeights;
  bool isOnnxFile = false; ///< the file itself is ONNX, so that exports may start from it
};

} // namespace tandem
