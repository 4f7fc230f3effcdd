// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/icd_check.hpp"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>

namespace tandem::opencl {
namespace {

/// The driver library that an .icd file names in its first line.
std::string libraryOf(const std::filesystem::path& icd) {
  std::ifstream file(icd);
  std::string line;
  std::getline(file, line);
  const auto isSpace = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && isSpace(line.back())) line.pop_back();
  line.erase(line.begin(), std::find_if_not(line.begin(), line.end(), isSpace));
  return line;
}

std::vector<std::filesystem::path> icdFiles() {
  const char* vendors = std::getenv("OCL_ICD_VENDORS");
  const std::filesystem::path place = vendors && *vendors ? vendors : "/etc/OpenCL/vendors";
  std::error_code error;
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(place, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(place, error))
      if (entry.path().extension() == ".icd") files.push_back(entry.path());
  } else if (place.extension() == ".icd") {
    files.push_back(place);
  }
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace

std::vector<DeviceProblem> findBrokenDrivers() {
  std::vector<DeviceProblem> problems;
  for (const std::filesystem::path& icd : icdFiles()) {
    const std::string library = libraryOf(icd);
    const std::string name = icd.filename().string();
    if (library.empty()) {
      problems.push_back({name, "the file names no driver library"});
      continue;
    }
    // Never closed again: the OpenCL loader opens the same library, and drivers rarely survive being unloaded.
    void* handle = dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (!handle) {
      const char* reason = dlerror();
      problems.push_back({name, reason ? std::string(reason) : "cannot load " + library});
    } else if (!dlsym(handle, "clIcdGetPlatformIDsKHR") && !dlsym(handle, "clGetExtensionFunctionAddress")) {
      problems.push_back({name, library + " is not an OpenCL driver (it lacks clIcdGetPlatformIDsKHR)"});
    }
  }
  return problems;
}

} // namespace tandem::opencl
