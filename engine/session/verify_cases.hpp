// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include "engine/tensor/data_type.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace tandem::session {

/// One model with one set of inputs and expected outputs, as the ONNX backend tests lay them out.
struct VerifyCase {
  std::string name; ///< relative to the folder that was asked for
  std::filesystem::path model;
  std::filesystem::path dataSet;
  /// What a manifest.csv above the case says (columns id, rtol, atol); unset: by the output's type, see toleranceFor().
  std::optional<double> rtol, atol;
  int tier = 0; ///< column tier of that manifest: 1 matters most; 0 = not said
};

struct Tolerance {
  double rtol, atol; ///< equal where |a - b| <= atol + rtol * |b|
};
/// For results of a whole network in this element type, where nobody says: float32 1e-3 and 1e-5, which plain float32
/// arithmetic keeps on every real model of our pack; half precision 5e-2 and 5e-3, as every layer rounds.
Tolerance toleranceFor(DataType type);

/// Finds cases below `folder`: DIR/model.onnx with test_data_set_*/, and *.onnx with
/// test_data/<model>/test_data_set_*/. Sorted by name. InputRejected where the folder does not exist or holds no case.
Result<std::vector<VerifyCase>> findCases(const std::filesystem::path& folder);

} // namespace tandem::session
