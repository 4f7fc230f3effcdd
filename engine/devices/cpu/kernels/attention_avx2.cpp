// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/attention_vectors.hpp"

namespace tandem::cpu {
extern const AttentionCode kAttentionAvx2 = attentionCodeNamed("attention avx2");
} // namespace tandem::cpu
