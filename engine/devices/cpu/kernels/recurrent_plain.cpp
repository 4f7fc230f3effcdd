// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/recurrent_vectors.hpp"

namespace tandem::cpu {
extern const RecurrentCode kRecurrentPlain = codeNamed("recurrent plain");
} // namespace tandem::cpu
