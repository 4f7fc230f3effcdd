// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"
#include "engine/formats/models/imported_model.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace tandem {

/// Reads a whole Keras model: .h5 of Keras 1, 2 and 3, or a .keras archive of Keras 2.12 and later, told apart by
/// content. `bytes` is the file, which `owner` keeps alive during the call; `name` stands for it in errors.
///
/// - The graph holds ONNX operators. Inputs and outputs have Keras's order of axes (N, H, W, C for channels_last);
///   between the layers the channels stand in second place, so that few Transposes are needed.
/// - A layer is a scope: its nodes are called "conv1/Conv", "conv1/Relu". Layers of a model inside the model have its
///   name in front. Weights are called as Keras calls them: "conv1/kernel". The batch is the symbol "N".
/// - Inputs have the name of their InputLayer, outputs that of the layer that computes them.
/// - Layers are computed as for predictions: Dropout and its like pass their input on. Everything is float32.
///
/// The file is untrusted. Nothing in it is ever run or evaluated, and nothing outside of it opened: Lambda layers,
/// custom objects, links and external storage are refused. The error names all problems of the file, up to a limit.
/// ModelRejected for damage and code, Unsupported where only layers are missing. Any thread; one file at a time
/// (HDF5 is not thread-safe).
Result<ImportedModel> readKeras(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                const std::string& name, const CancelToken& cancel = {});

} // namespace tandem
