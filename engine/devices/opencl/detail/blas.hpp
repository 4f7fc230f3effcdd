// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/lowering.hpp"

namespace tandem::opencl {

/// Enqueues C = alpha * op(A) op(B) by CLBlast on `queue`; `buffers` are A, B and C. The event, where wanted, is that
/// of the last kernel. Returns an OpenCL error code, or CLBlast's own where it refuses the call. Any thread.
cl_int enqueueProduct(cl_command_queue queue, const BlasProduct& product, const std::array<cl_mem, 3>& buffers,
                      cl_event* event);

/// True where CLBlast computed such a product on the device: it is tried once per process, on buffers of its own, so
/// that no program is built around a call that fails. Any thread.
bool blasAccepts(const DeviceContext& device, const BlasProduct& product);

} // namespace tandem::opencl
