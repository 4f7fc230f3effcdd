// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/device_facts.hpp"

#include "engine/devices/opencl/opencl_device.hpp"

namespace tandem::opencl {
namespace {

template <class Ask> std::string askText(Ask ask) {
  std::size_t bytes = 0;
  if (ask(std::size_t{0}, nullptr, &bytes) != CL_SUCCESS || bytes == 0) return {};
  std::string text(bytes, '\0');
  if (ask(bytes, text.data(), nullptr) != CL_SUCCESS) return {};
  text.resize(text.find('\0') == std::string::npos ? bytes : text.find('\0'));
  return text;
}

} // namespace

std::string platformText(cl_platform_id platform, cl_platform_info what) {
  return askText([&](std::size_t room, char* target, std::size_t* bytes) {
    return clGetPlatformInfo(platform, what, room, target, bytes);
  });
}

std::string deviceText(cl_device_id device, cl_device_info what) {
  return askText([&](std::size_t room, char* target, std::size_t* bytes) {
    return clGetDeviceInfo(device, what, room, target, bytes);
  });
}

std::string programKey(const ContextRecipe& recipe) {
  const std::string parts[] = {
      deviceText(recipe.device, CL_DEVICE_NAME), deviceText(recipe.device, CL_DEVICE_VENDOR),
      deviceText(recipe.device, CL_DEVICE_VERSION), deviceText(recipe.device, CL_DRIVER_VERSION),
      platformText(recipe.platform, CL_PLATFORM_NAME), platformText(recipe.platform, CL_PLATFORM_VERSION),
      // PoCL builds work-group functions for the number of threads it has.
      std::to_string(recipe.info.computeUnits)};
  std::string key = "tandem " TANDEM_VERSION "\n";
  for (const std::string& part : parts) {
    if (part.empty()) return {};
    key += part + '\n';
  }
  return key;
}

} // namespace tandem::opencl
