// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <string>
#include <vector>

namespace tandem::session {

/// True for a picture, by its name (.png, .jpg, .jpeg).
bool isPicture(const std::string& file);

/// One prediction's input tensors (graph input order) and what they came from.
struct InputSet {
  std::string label; ///< file name, or several joined by ", "
  std::vector<Tensor> tensors;
  int pictureWidth = 0, pictureHeight = 0; ///< of the picture, where it is one
};

/// Reads the files of `tandem predict`: each picture is one prediction of a model with one input; tensor files (.npy,
/// .pb) are taken in groups, one per model input. `preprocess` is a PreprocessSpec text; empty: guessed from the
/// model. `graph` has its shapes inferred. Errors name the file and what the model wants.
Result<std::vector<InputSet>> readInputs(const Graph& graph, const std::vector<std::string>& files,
                                         const std::string& preprocess);

/// A batch of `items` for a run: the files of readInputs, repeated to fill it, stacked along the first dimension.
/// `perItemMs` receives the mean time of reading and preprocessing one item.
Result<std::vector<Tensor>> batchFromFiles(const Graph& graph, const std::vector<std::string>& files, int items,
                                           const std::string& preprocess, double& perItemMs);

} // namespace tandem::session
