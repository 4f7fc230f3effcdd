// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/images/detection.hpp"

namespace tandem::detail {

/// A box in parts of the model's picture: 0..1 from its left and upper edge.
using UnitBoxes = std::vector<Detection>;

Error wrongDetections(const std::string& expected);

/// The decoders of detection_yolo.cpp and detection_ssd.cpp, before suppression and before pixels. `width` and
/// `height` of the model's input.
Result<UnitBoxes> decodeYoloV5(std::span<const Tensor> outputs, int width, int height);
Result<UnitBoxes> decodeYoloV8(std::span<const Tensor> outputs, int width, int height);
Result<UnitBoxes> decodeTinyYoloV2(std::span<const Tensor> outputs);
Result<UnitBoxes> decodeSsd(std::span<const Tensor> outputs, int width, int height);

/// True for the number of places that ultralytics' three (or four) grids have at this input size, `perPlace` boxes
/// each.
bool isGridCount(std::int64_t count, std::int64_t width, std::int64_t height, int perPlace);
/// By the outputs' names and shapes.
bool looksLikeSsd(const Graph& graph);

} // namespace tandem::detail
