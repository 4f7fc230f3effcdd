// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/onnx only: this header shows protobuf messages.
#include <onnx/onnx_pb.h>
#include <string>
#include <vector>

namespace tandem::detail {

/// The names by which the reader calls `nodes`: those of the file; where one is missing, the type and the first output
/// ("Conv_out", "block0/Conv_out"); where one repeats, with "_2", "_3", ... Deterministic, so that the reader and the
/// annotating writer agree.
std::vector<std::string> nodeNames(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes);

} // namespace tandem::detail
