// SPDX-License-Identifier: GPL-3.0-or-later
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

// An OpenCL driver that does as TANDEM_BAD_DRIVER says once it is asked for its platforms: crash, hang, exit.
extern "C" {

CL_API_ENTRY cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint, cl_platform_id*, cl_uint* count) {
  const char* how = std::getenv("TANDEM_BAD_DRIVER");
  if (how && std::strcmp(how, "crash") == 0) std::abort();
  if (how && std::strcmp(how, "exit") == 0) _exit(0);
  while (how && std::strcmp(how, "hang") == 0) pause();
  if (count) *count = 0;
  return CL_SUCCESS;
}

CL_API_ENTRY void* CL_API_CALL clGetExtensionFunctionAddress(const char* name) {
  return std::strcmp(name, "clIcdGetPlatformIDsKHR") == 0 ? reinterpret_cast<void*>(&clIcdGetPlatformIDsKHR) : nullptr;
}

CL_API_ENTRY cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id, cl_platform_info, size_t, void*, size_t*) {
  return CL_INVALID_PLATFORM;
}
}
