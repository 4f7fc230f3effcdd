// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"
#include "engine/formats/models/imported_model.hpp"

#include <filesystem>

namespace tandem {

/// A model as read. The graph's weights view the parsed file (or its external data), which they keep alive.
///
/// - Weights are Values with a constant, also where an old file lists them among the inputs or writes them as Constant
///   nodes, which are not nodes of the graph then.
/// - Node names are unique; missing ones are made from the output and the type. Tensor names are those of the file.
/// - Nodes of model-local functions are inlined, their names and tensors prefixed with the calling node's name and '/'.
/// - A node with subgraphs (If, Loop, Scan) has one input more, after those of the file, for every outer value that
///   its subgraphs use. The string list attribute "captures" names them in the same order: the subgraph input of that
///   name takes the value. Outer weights are put into the subgraph as its own constants instead.
/// - Node::version is 0 where the file's opset is older than every version we know of the operator.
/// - Shapes are those that inferShapes finds; where it finds none, those the file declares.
using OnnxModel = ImportedModel;

/// Reads a model file and its external data, which must lie in the same folder or below. The file is untrusted:
/// damage, limits (DESIGN.md section 10) and element types without storage give ModelRejected. Any thread.
Result<OnnxModel> readOnnx(const std::filesystem::path& path, const CancelToken& cancel = {});
/// The same from a file that is open; large weights stay in it.
Result<OnnxModel> readOnnx(const std::shared_ptr<const MappedFile>& file, const CancelToken& cancel = {});
/// The same from memory. `name` stands for the file in errors; without `folder` external data is refused.
Result<OnnxModel> readOnnx(std::span<const std::byte> bytes, const std::string& name,
                           const std::filesystem::path& folder = {}, const CancelToken& cancel = {});

} // namespace tandem
