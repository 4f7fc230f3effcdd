// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device_registry.hpp"

#include <chrono>
#include <filesystem>

namespace tandem::opencl {

/// What tandem-driver-check says of a driver that listed its devices.
inline constexpr const char* kDriverAnswers = "ok";

/// The driver library that an .icd file names in its first line, or the library itself.
std::string libraryOf(const std::filesystem::path& icd);

/// Drivers that are registered (the .icd files of OCL_ICD_VENDORS, OPENCL_VENDOR_PATH or /etc/OpenCL/vendors), asked
/// one by one in processes of their own before the OpenCL loader loads them all into this one.
struct DriverCheck {
  std::vector<DeviceProblem> problems;          ///< cannot be loaded, crash, or do not answer
  std::vector<std::filesystem::path> dangerous; ///< those that must not be loaded
  std::vector<std::filesystem::path> harmless;  ///< all others
};
/// Asks each driver once per process. TANDEM_DRIVER_TIMEOUT_S says how long one may take (default 10 s: several GPUs
/// that wake up take their time).
DriverCheck checkDrivers();

/// Lets the OpenCL loader see only `harmless` while it exists, which must include its first call in this process.
class HarmlessDriversOnly {
 public:
  explicit HarmlessDriversOnly(const DriverCheck& check);
  ~HarmlessDriversOnly();
  HarmlessDriversOnly(const HarmlessDriversOnly&) = delete;
  HarmlessDriversOnly& operator=(const HarmlessDriversOnly&) = delete;

 private:
  std::filesystem::path m_folder; ///< empty where nothing is kept from the loader
  std::string m_before;
  bool m_wasSet = false;
};

} // namespace tandem::opencl
