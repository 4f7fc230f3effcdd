// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/onnx only: this header shows protobuf messages.
#include "engine/base/error.hpp"

#include <memory>
#include <onnx/onnx_pb.h>
#include <span>

namespace tandem::detail {

/// Protobuf's own limit for one message, and so for a model file without external data.
inline constexpr std::int64_t kMaxModelBytes = (std::int64_t{1} << 31) - 1;
inline constexpr int kMaxDepth = 32; ///< nesting of subgraphs, and of function calls

/// Parses a model file and checks that it has a graph. Says what the file is where it is something else.
Result<std::shared_ptr<onnx::ModelProto>> parseModel(std::span<const std::byte> bytes, const std::string& where);

} // namespace tandem::detail
