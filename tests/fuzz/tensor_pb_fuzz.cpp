// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/tensor_pb.hpp"
#include "tests/fuzz/tensor_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto tensor = tandem::readTensorPb(tandem::fuzz::bytesOf(data, size), "fuzz.pb");
  if (tensor) tandem::fuzz::checkTensor(*tensor);
  return 0;
}
