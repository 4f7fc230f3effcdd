// SPDX-License-Identifier: GPL-3.0-or-later
// Keras files. An input that begins like an HDF5 file or an archive is read as it is; any other one is a digit and an
// architecture, which takes the place of that of fixture number `digit`: most damage to a whole file ends in the HDF5
// library and would never reach the layers.
#include "engine/formats/keras/keras_reader.hpp"
#include "engine/graph/verify.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/keras_fixtures.hpp"

using namespace tandem;

/// HDF5 asks for as much memory as a damaged file says and gives up where it gets none; it touches what it reads only.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1:max_allocation_size_mb=1024"; }

/// HDF5 1.10 forgets small blocks of its own when it gives up on a damaged file.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::textOf(data, size);
  std::string built;
  if (!text.empty() && text[0] >= '0' && text[0] <= '9')
    built = fuzz::fixtureWithConfig(static_cast<std::size_t>(text[0] - '0'), std::string(text.substr(1)));
  const auto bytes = built.empty() ? fuzz::bytesOf(data, size) : std::as_bytes(std::span(built));
  const auto model = readKeras(bytes, nullptr, "fuzz");
  if (model) return fuzz::requireOk(verify(model->graph), "an imported model is well-formed"), 0;
  fuzz::require(!model.error().message.empty(), "an error says what is wrong");
  return 0;
}
