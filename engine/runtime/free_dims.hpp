// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <map>

namespace tandem {

/// A size that the model leaves open: one symbol (used by any number of inputs), or one dimension without a name.
/// What stands for the batch is not among them.
struct FreeDim {
  std::string key;                ///< the symbol, or "INPUT:AXIS"; under this name a person chooses the size
  std::vector<std::string> where; ///< "input_ids[1]"
  std::int64_t size = 1;          ///< chosen, else guessed
  bool chosen = false;
  std::string reason; ///< of a guess: "width or height of a picture"
};

struct SizedInputs {
  std::vector<FreeDim> dims;
  std::map<std::string, Shape> shapes; ///< by input name, all static; for InferOptions::inputShapes
};

/// A better guess than names and shapes give, from somebody who knows what the input is; by "INPUT:AXIS".
struct SizeHint {
  std::int64_t size = 1;
  std::string reason;
};
using SizeHints = std::map<std::string, SizeHint>;

/// Fixes what the inputs of `opened` leave open, to measure and to show a model without real input: to the sizes in
/// `chosen` (by key), else to guesses, which are conventions and not facts; callers show them. `batch` is the size of
/// leading dimensions and of symbols that lead somewhere. Usage error for an unknown key or a size below 1 (0 is fine
/// for a cache). Inputs of unknown rank are left out of `shapes`.
Result<SizedInputs> sizeInputs(const Graph& opened, const std::map<std::string, std::int64_t>& chosen,
                               std::int64_t batch, const SizeHints& hints = {});

} // namespace tandem
