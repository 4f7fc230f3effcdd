// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <filesystem>
#include <vector>

namespace tandem::session {

/// One model with one set of inputs and expected outputs, as the ONNX backend tests lay them out.
struct VerifyCase {
  std::string name; ///< relative to the folder that was asked for
  std::filesystem::path model;
  std::filesystem::path dataSet;
  double rtol = 1e-3; ///< the ONNX runner's defaults, or what a manifest.csv above the case says
  double atol = 1e-7;
};

/// Finds cases below `folder`: DIR/model.onnx with test_data_set_*/, and *.onnx with
/// test_data/<model>/test_data_set_*/. Sorted by name. InputRejected where the folder does not exist or holds no case.
Result<std::vector<VerifyCase>> findCases(const std::filesystem::path& folder);

} // namespace tandem::session
