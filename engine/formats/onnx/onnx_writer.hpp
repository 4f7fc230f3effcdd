// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <functional>

namespace tandem {

/// The graph as an ONNX file: weights inside, nodes in topological order, known shapes as value_info, the graph's opset
/// imported. readOnnx gives an equal graph back. Fails with Unsupported where a node exists only in this program
/// (domain "tandem", made by passes), and with OutputFailed above 2 GB.
Result<std::string> writeOnnx(const Graph& graph);

/// What to write on the node of this name (as the reader calls it); nullopt for nothing.
using NodeAnnotation = std::function<std::optional<std::string>(std::string_view nodeName)>;

/// The same file with a layer annotation on its nodes, for ONNX Runtime's session.layer_assignment_settings: each gets
/// NodeProto.metadata_props {"layer_ann": value}, in place of an older one. Everything else stays as it is, except what
/// this needs: ir_version is at least 10, nodes carry the names that the reader gives them, and weights leave the
/// inputs of files of IR version 3 or less, where they meant nothing.
///
/// Nodes inside subgraphs get what the node around them has. A call of a local function, which the reader shows as the
/// nodes of its body, gets the annotation of those nodes if they agree, else none. Errors: ModelRejected as the reader.
Result<std::string> annotateOnnx(std::span<const std::byte> file, const NodeAnnotation& annotation);

} // namespace tandem
