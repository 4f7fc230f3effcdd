// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/detail/cl_handles.hpp"

namespace tandem::opencl {

struct ContextRecipe;

/// What a platform or device says of itself; empty where it does not answer.
std::string platformText(cl_platform_id platform, cl_platform_info what);
std::string deviceText(cl_device_id device, cl_device_info what);

template <class T> T deviceNumber(cl_device_id device, cl_device_info what, T fallback) {
  T value{};
  return clGetDeviceInfo(device, what, sizeof value, &value, nullptr) == CL_SUCCESS ? value : fallback;
}

/// Everything about the device, its driver and this program that a built program depends on; empty where the driver
/// does not say all of it: what it builds is then not kept.
std::string programKey(const ContextRecipe& recipe);

} // namespace tandem::opencl
