// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace tandem {

/// What a text recogniser read.
struct RecognizedText {
  std::string text;
  double score = 0; ///< mean probability of the characters; 0 for none
};

/// Best-path decoding of connectionist temporal classification (Graves et al., 2006): the best class of every step,
/// repeats joined, class 0 (nothing) dropped. `scores` is [1, steps, classes] or [steps, 1, classes];
/// `characters[i]` is class i + 1.
RecognizedText decodeCtc(const Tensor& scores, const std::vector<std::string>& characters);

/// The characters of a recogniser with `classes` classes: a file named *dict*.txt beside the model with one character
/// per line, one or two fewer than the classes (nothing, and a blank at the end). Empty where there is none.
std::vector<std::string> findCharacters(const std::filesystem::path& model, std::int64_t classes);

} // namespace tandem
