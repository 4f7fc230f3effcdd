// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/blas.hpp"

#include <clblast.h>

namespace tandem::opencl {

cl_int enqueueProduct(cl_command_queue queue, const BlasProduct& product, const std::array<cl_mem, 3>& buffers,
                      cl_event* event) {
  using clblast::Transpose;
  const auto transpose = [](bool yes) { return yes ? Transpose::kYes : Transpose::kNo; };
  return static_cast<cl_int>(clblast::Gemm<float>(clblast::Layout::kRowMajor, transpose(product.transposeA),
                                                  transpose(product.transposeB), product.m, product.n, product.k,
                                                  product.alpha, buffers[0], 0, product.rowA, buffers[1], 0,
                                                  product.rowB, 0.0f, buffers[2], 0, product.n, &queue, event));
}

} // namespace tandem::opencl
