// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/recurrent_vectors.hpp"

namespace tandem::cpu {
extern const RecurrentCode kRecurrentAvx512 = codeNamed("recurrent avx512");
} // namespace tandem::cpu
