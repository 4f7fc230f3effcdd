// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/input_files.hpp"
#include "engine/session/session.hpp"

#include <string>
#include <vector>

namespace tandem::session {

/// What a request says about its results.
struct ResultOptions {
  std::vector<std::string> labels;
  int top = 5;
  std::string outputFolder; ///< empty: no files
  std::string detector;     ///< a DetectorKind's name, "none", or empty: guessed
};
Result<ResultOptions> decodeResultOptions(const Json& params);

/// What one prediction gave: outputs in graph order. Of a stepped input, every output but the states holds all steps,
/// joined along the first dimension.
struct PredictedOutputs {
  std::vector<Tensor> outputs;
  std::vector<bool> isState; ///< by output
};

/// The best classes, boxes, recognised text or rows that the outputs mean, and files of them where asked for.
/// `number` counts predictions, for file names.
Result<Json> encodePrediction(const OpenDocument& document, const InputSet& input, const PredictedOutputs& results,
                              std::size_t number, const ResultOptions& options);

} // namespace tandem::session
