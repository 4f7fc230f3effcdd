// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/csv.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace tandem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto table = readCsv(fuzz::bytesOf(data, size), "fuzz.csv");
  if (!table) return 0;
  fuzz::require(table->values.size() == static_cast<std::size_t>(table->rows * table->columns), "a table is full");
  fuzz::require(table->header.empty() || table->header.size() == static_cast<std::size_t>(table->columns),
                "every column has a name, or none");
  return 0;
}
