// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/text/ctc.hpp"

#include "engine/formats/tensors/mapped_file.hpp"

#include <algorithm>
#include <string_view>

namespace tandem {

RecognizedText decodeCtc(const Tensor& scores, const std::vector<std::string>& characters) {
  RecognizedText result;
  if (scores.shape().rank() != 3 || scores.elements() == 0) return result;
  const std::int64_t classes = scores.shape()[2];
  const std::int64_t steps = scores.elements() / classes;
  std::int64_t before = 0;
  int count = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    std::int64_t best = 0;
    double score = scores.asDouble(step * classes);
    for (std::int64_t k = 1; k < classes; ++k)
      if (const double value = scores.asDouble(step * classes + k); value > score) best = k, score = value;
    if (best != 0 && best != before && best <= static_cast<std::int64_t>(characters.size())) {
      result.text += characters[static_cast<std::size_t>(best - 1)];
      result.score += score;
      ++count;
    }
    before = best;
  }
  if (count > 0) result.score /= count;
  return result;
}

std::vector<std::string> findCharacters(const std::filesystem::path& model, std::int64_t classes) {
  if (model.empty()) return {};
  std::error_code problem;
  std::vector<std::filesystem::path> candidates;
  for (std::filesystem::directory_iterator it(model.parent_path(), problem), end; !problem && it != end;
       it.increment(problem)) {
    const std::string name = it->path().filename().string();
    if (name.find("dict") != std::string::npos && name.ends_with(".txt")) candidates.push_back(it->path());
  }
  std::sort(candidates.begin(), candidates.end());
  for (const auto& candidate : candidates) {
    const auto file = MappedFile::open(candidate, ErrorCode::InputRejected, std::int64_t{16} << 20);
    if (!file.ok()) continue;
    std::string_view text(reinterpret_cast<const char*>((*file)->bytes().data()), (*file)->bytes().size());
    std::vector<std::string> lines;
    while (!text.empty()) { // not trimmed: a blank may be one of the characters
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines.emplace_back(line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    const auto count = static_cast<std::int64_t>(lines.size());
    if (count == classes - 2) lines.emplace_back(" ");
    if (count == classes - 1 || count == classes - 2) return lines;
  }
  return {};
}

} // namespace tandem
