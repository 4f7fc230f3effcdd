// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/recurrent_vectors.hpp"

namespace tandem::cpu {
extern const RecurrentCode kRecurrentAvx2 = codeNamed("recurrent avx2");
} // namespace tandem::cpu
