// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace tandem::cpu {

/// The instruction sets that vector code is compiled for.
enum class VectorIsa { Plain, Avx2, Avx512 };
/// The widest that both the processor and oneDNN's limit on instruction sets allow.
VectorIsa bestVectorIsa();

struct RowCode;
const RowCode& bestRowCode();

} // namespace tandem::cpu
