// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <string>
#include <vector>

namespace tandem::session {

/// A recurrent model's memory: what output `output` holds after one step is input `input` of the next.
struct StatePair {
  std::size_t input = 0;
  std::size_t output = 0;
  std::string reason; ///< "by name" or "by shape"
};

/// Guesses the pairs: by name ("state" and "stateN", "h_in" and "h_out", "past_k_0" and "present_k_0"), where type and
/// shape agree too; and by shape, where an input after the first has exactly the shape of a single output after the
/// first. The first input is never a state.
std::vector<StatePair> guessStatePairs(const Graph& graph);

/// The memory before the first step: zeros. Open dimensions are 1, or 0 where the output's symbol differs, which is
/// how a cache that grows looks ("P" becomes "P+T").
Tensor initialState(const Graph& graph, const StatePair& pair);

} // namespace tandem::session
