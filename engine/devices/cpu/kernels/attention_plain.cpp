// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/attention_vectors.hpp"

namespace tandem::cpu {
extern const AttentionCode kAttentionPlain = attentionCodeNamed("attention");
} // namespace tandem::cpu
