// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/npy.hpp"
#include "tests/fuzz/tensor_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto tensor = tandem::readNpy(tandem::fuzz::bytesOf(data, size), "fuzz.npy");
  if (tensor) tandem::fuzz::checkTensor(*tensor);
  return 0;
}
