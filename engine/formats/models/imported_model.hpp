// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/graph/graph.hpp"

#include <map>

namespace tandem {

/// A model as read, whatever the kind of its file. The graph holds ONNX operators; its weights keep alive what they
/// view (a parsed message, a mapped file).
struct ImportedModel {
  Graph graph;
  std::string producer;              ///< "pytorch 2.1", "keras 3.5.0"
  int irVersion = 0;                 ///< of ONNX files
  std::map<std::string, int> opsets; ///< by domain; "" is ai.onnx
  std::string sha256;                ///< of the model file, without its external data
  /// Operators that nothing here can run, with the opset of the file: "Crop-7 (1 node)". Such a model can be viewed.
  std::vector<std::string> unsupportedOperators;
  std::vector<std::string> warnings; ///< for people, at most 100
  /// What weights view, beside the model file itself: ask them whether they changed after computing with them.
  std::vector<std::shared_ptr<const MappedFile>> files;
  bool isOnnxFile = false; ///< the file itself is ONNX, so that exports may start from it
};

} // namespace tandem
