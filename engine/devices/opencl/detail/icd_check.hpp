// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device_registry.hpp"

namespace tandem::opencl {

/// Drivers that are registered (the .icd files of OCL_ICD_VENDORS or /etc/OpenCL/vendors) but cannot be loaded. The
/// OpenCL loader skips these without a word, so a person would wonder where the GPU went.
std::vector<DeviceProblem> findBrokenDrivers();

} // namespace tandem::opencl
