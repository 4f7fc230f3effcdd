// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/vector_isa.hpp"

#include <dnnl.hpp>

namespace tandem::cpu {

VectorIsa bestVectorIsa() {
#if defined(__x86_64__)
  const auto effective = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto allows = [&](dnnl::cpu_isa isa) {
    return (effective & static_cast<unsigned>(isa)) == static_cast<unsigned>(isa);
  };
  const bool fma = __builtin_cpu_supports("fma");
  if (fma && allows(dnnl::cpu_isa::avx512_core)) return VectorIsa::Avx512;
  if (fma && allows(dnnl::cpu_isa::avx2)) return VectorIsa::Avx2;
#endif
  return VectorIsa::Plain;
}

} // namespace tandem::cpu
