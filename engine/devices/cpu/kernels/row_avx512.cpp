// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/row_vectors.hpp"

namespace tandem::cpu {
extern const RowCode kRowsAvx512 = rowCodeNamed("rows avx512");
} // namespace tandem::cpu
