// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace tandem::conformance {

/// One data set of a case: the files input_<i>.pb and output_<i>.pb of a folder, by index. Missing indices (optional
/// outputs that are not compared) are empty paths.
struct DataSet {
  std::filesystem::path folder;
  std::vector<std::filesystem::path> inputs;
  std::vector<std::filesystem::path> outputs;
};

/// One ONNX backend case: a folder with model.onnx and test_data_set_<k>/.
struct Case {
  std::string id; ///< "node/test_abs", as in manifest.csv
  std::filesystem::path folder;
  std::vector<std::string> operators; ///< types, without versions, as the manifest lists them
  double rtol = 1e-3;
  double atol = 1e-7;
  std::vector<DataSet> dataSets;

  std::filesystem::path model() const { return folder / "model.onnx"; }
};

/// $TANDEM_CONFORMANCE_DIR, or shared/conformance beside the source tree; nullopt where it holds no manifest.
std::optional<std::filesystem::path> findConformanceData();

/// All cases of operators/manifest.csv that have a model, in the manifest's order.
std::vector<Case> operatorCases(const std::filesystem::path& root);

/// The data set in one folder.
DataSet readDataSet(const std::filesystem::path& folder);

/// What is wrong with `actual`, or nullopt: types and shapes must be the same; floats |a - e| <= atol + rtol * |e|, NaN
/// equals NaN, infinities must be the same; everything else is compared exactly.
std::optional<std::string> difference(const Tensor& actual, const Tensor& expected, double rtol, double atol);

} // namespace tandem::conformance
