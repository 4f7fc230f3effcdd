// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tandem::session {

/// How made-up data is spread.
struct Distribution {
  enum class Kind { Uniform, Normal, Integers, Zeros, Ones } kind = Kind::Uniform;
  double a = -1; ///< uniform: least; normal: mean; integers: least
  double b = 1;  ///< uniform: bound; normal: deviation; integers: greatest
};

/// True for "random...", "zeros" and "ones": what stands where a file name could.
bool isSynthetic(std::string_view text);
/// Reads "random" (uniform -1..1), "random:normal(0,1)", "random:uniform(0,1)", "random:integers(0,255)", "zeros",
/// "ones". Errors: Usage.
Result<Distribution> parseDistribution(std::string_view text);
std::string toString(const Distribution& distribution); ///< "normal(0, 1)"

/// The rows of the smallest constant table that graph input `input` selects from (Gather along the first axis, also
/// behind casts and reshapes), so that numbers below it are valid; nullopt where there is none.
std::optional<std::int64_t> tableSize(const Graph& graph, std::size_t input);

/// A tensor of made-up data with what it is made of, for people.
struct SyntheticInput {
  Tensor tensor;
  std::string distribution; ///< "normal(0, 1)", "whole numbers 0..30521 (rows of the table they select from)"
};

/// Fills `desc` (static) for graph input `input`. The distribution applies to floating point inputs; integer inputs get
/// numbers that the model's tables have, the sample rate its rate, masks and other integers 0 or 1, unless it is one of
/// whole numbers itself.
/// The same seed gives the same data on every machine. Fails with DeviceFailed where the host has not the memory.
Result<SyntheticInput> makeSynthetic(const Graph& graph, std::size_t input, const TensorDesc& desc,
                                     const Distribution& distribution, std::uint64_t seed);

} // namespace tandem::session
