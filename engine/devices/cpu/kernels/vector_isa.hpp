// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>

namespace tandem::cpu {

/// The instruction sets that vector code is compiled for.
enum class VectorIsa { Plain, Avx2, Avx512 };
/// The widest that both the processor and oneDNN's limit on instruction sets allow.
VectorIsa bestVectorIsa();

/// The widest version of some code that may run. `versions` are in the order of VectorIsa; on other processors than
/// x86-64 there is only the first.
template <class Code, std::size_t count> const Code& widest(const Code* const (&versions)[count]) {
  static_assert(count == 1 || count == 3);
  return *versions[count == 1 ? 0 : static_cast<std::size_t>(bestVectorIsa())];
}

} // namespace tandem::cpu
