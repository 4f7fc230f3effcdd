// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/attention_vectors.hpp"

namespace tandem::cpu {
extern const AttentionCode kAttentionAvx512 = attentionCodeNamed("attention avx512");
} // namespace tandem::cpu
