// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/cl_handles.hpp"
#include "engine/devices/opencl/detail/icd_check.hpp"

#include <cstdlib>
#include <dlfcn.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

// Loads one OpenCL driver and asks it for its devices, so that a driver that crashes or never answers does so here and
// not in the engine. Usage: tandem-driver-check ICD. Writes one line, tandem::opencl::kDriverAnswers or what is wrong.
namespace {

using tandem::opencl::clErrorName;

std::string check(const std::string& icd) {
  const std::string library = tandem::opencl::libraryOf(icd);
  if (library.empty()) return "the file names no driver library";
  void* handle = dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (!handle) {
    const char* reason = dlerror();
    return reason ? reason : "cannot load " + library;
  }
  if (!dlsym(handle, "clIcdGetPlatformIDsKHR") && !dlsym(handle, "clGetExtensionFunctionAddress"))
    return library + " is not an OpenCL driver (it lacks clIcdGetPlatformIDsKHR)";
  setenv("OCL_ICD_VENDORS", icd.c_str(), 1); // the loader then loads this one alone
  cl_uint count = 0;
  // What a driver answers is looked at by the engine; here it only has to come back.
  if (clGetPlatformIDs(0, nullptr, &count) != CL_SUCCESS) return tandem::opencl::kDriverAnswers;
  std::vector<cl_platform_id> platforms(count);
  if (count > 0) clGetPlatformIDs(count, platforms.data(), nullptr);
  for (cl_platform_id platform : platforms) {
    cl_uint devices = 0;
    clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &devices);
  }
  return tandem::opencl::kDriverAnswers;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const rlimit noCore{0, 0}; // a crash here is expected, and told
  setrlimit(RLIMIT_CORE, &noCore);
  // Drivers print as they like: only the verdict goes to the pipe.
  const int verdict = dup(STDOUT_FILENO);
  if (verdict < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  const std::string line = check(argv[1]) + "\n";
  const bool told = write(verdict, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  _exit(told ? 0 : 1); // drivers that crash at exit are not asked to
}
