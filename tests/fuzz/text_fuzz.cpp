// SPDX-License-Identifier: GPL-3.0-or-later
// Texts that people write: label files and preprocessing specs.
#include "engine/formats/images/labels.hpp"
#include "engine/formats/images/preprocess.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace tandem;

namespace {

void checkLabels(std::string_view text) {
  auto labels = parseLabels(text, "fuzz.txt");
  if (!labels) return;
  fuzz::require(!labels->empty(), "a label file has labels");
  for (const std::string& label : *labels) fuzz::require(label.find('\n') == std::string::npos, "a label is one line");
}

void checkSpec(std::string_view text) {
  auto spec = parsePreprocess(text);
  if (!spec) return;
  auto again = parsePreprocess(toString(*spec));
  fuzz::require(again.ok(), "a spec's text can be read");
  fuzz::require(toString(*again) == toString(*spec), "a spec survives its text");
  if (spec->width > 64 || spec->height > 64) return;
  const Image image{.width = 3, .height = 2, .rgb = std::vector<std::uint8_t>(18, 77)};
  auto tensor = preprocess(image, *spec);
  fuzz::require(!tensor || tensor->desc().isStatic(), "a preprocessed picture has a shape");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = fuzz::textOf(data + 1, size - 1);
  data[0] % 2 ? checkLabels(text) : checkSpec(text);
  return 0;
}
