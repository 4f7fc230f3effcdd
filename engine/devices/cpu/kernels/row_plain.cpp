// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/row_vectors.hpp"

namespace tandem::cpu {
extern const RowCode kRowsPlain = rowCodeNamed("rows");
} // namespace tandem::cpu
