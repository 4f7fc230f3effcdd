// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace tandem::fuzz {

/// Reads every byte of a tensor, so that the sanitizer sees a view that is too long.
inline void checkTensor(const Tensor& tensor) {
  require(tensor.desc().checkedBytes() == static_cast<std::int64_t>(tensor.bytes()),
          "a tensor has the bytes of its shape");
  const auto* bytes = static_cast<const unsigned char*>(tensor.data());
  unsigned sum = 0;
  for (std::size_t i = 0; i < tensor.bytes(); ++i) sum += bytes[i];
  require(sum != 0xffffffffU, "all bytes can be read");
}

} // namespace tandem::fuzz
