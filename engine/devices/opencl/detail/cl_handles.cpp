// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/cl_handles.hpp"

#include <array>

namespace tandem::opencl {
namespace {

struct CodeName {
  cl_int code;
  std::string_view name;
};

#define TANDEM_CL_NAME(code)                                                                                           \
  CodeName { code, #code }
constexpr std::array kNames{
    TANDEM_CL_NAME(CL_SUCCESS),
    TANDEM_CL_NAME(CL_DEVICE_NOT_FOUND),
    TANDEM_CL_NAME(CL_DEVICE_NOT_AVAILABLE),
    TANDEM_CL_NAME(CL_COMPILER_NOT_AVAILABLE),
    TANDEM_CL_NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE),
    TANDEM_CL_NAME(CL_OUT_OF_RESOURCES),
    TANDEM_CL_NAME(CL_OUT_OF_HOST_MEMORY),
    TANDEM_CL_NAME(CL_PROFILING_INFO_NOT_AVAILABLE),
    TANDEM_CL_NAME(CL_MEM_COPY_OVERLAP),
    TANDEM_CL_NAME(CL_BUILD_PROGRAM_FAILURE),
    TANDEM_CL_NAME(CL_MAP_FAILURE),
    TANDEM_CL_NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET),
    TANDEM_CL_NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
    TANDEM_CL_NAME(CL_COMPILE_PROGRAM_FAILURE),
    TANDEM_CL_NAME(CL_LINKER_NOT_AVAILABLE),
    TANDEM_CL_NAME(CL_DEVICE_PARTITION_FAILED),
    TANDEM_CL_NAME(CL_INVALID_VALUE),
    TANDEM_CL_NAME(CL_INVALID_DEVICE_TYPE),
    TANDEM_CL_NAME(CL_INVALID_PLATFORM),
    TANDEM_CL_NAME(CL_INVALID_DEVICE),
    TANDEM_CL_NAME(CL_INVALID_CONTEXT),
    TANDEM_CL_NAME(CL_INVALID_QUEUE_PROPERTIES),
    TANDEM_CL_NAME(CL_INVALID_COMMAND_QUEUE),
    TANDEM_CL_NAME(CL_INVALID_HOST_PTR),
    TANDEM_CL_NAME(CL_INVALID_MEM_OBJECT),
    TANDEM_CL_NAME(CL_INVALID_BINARY),
    TANDEM_CL_NAME(CL_INVALID_BUILD_OPTIONS),
    TANDEM_CL_NAME(CL_INVALID_PROGRAM),
    TANDEM_CL_NAME(CL_INVALID_PROGRAM_EXECUTABLE),
    TANDEM_CL_NAME(CL_INVALID_KERNEL_NAME),
    TANDEM_CL_NAME(CL_INVALID_KERNEL_DEFINITION),
    TANDEM_CL_NAME(CL_INVALID_KERNEL),
    TANDEM_CL_NAME(CL_INVALID_ARG_INDEX),
    TANDEM_CL_NAME(CL_INVALID_ARG_VALUE),
    TANDEM_CL_NAME(CL_INVALID_ARG_SIZE),
    TANDEM_CL_NAME(CL_INVALID_KERNEL_ARGS),
    TANDEM_CL_NAME(CL_INVALID_WORK_DIMENSION),
    TANDEM_CL_NAME(CL_INVALID_WORK_GROUP_SIZE),
    TANDEM_CL_NAME(CL_INVALID_WORK_ITEM_SIZE),
    TANDEM_CL_NAME(CL_INVALID_GLOBAL_OFFSET),
    TANDEM_CL_NAME(CL_INVALID_EVENT_WAIT_LIST),
    TANDEM_CL_NAME(CL_INVALID_EVENT),
    TANDEM_CL_NAME(CL_INVALID_OPERATION),
    TANDEM_CL_NAME(CL_INVALID_BUFFER_SIZE),
    TANDEM_CL_NAME(CL_INVALID_GLOBAL_WORK_SIZE),
    TANDEM_CL_NAME(CL_INVALID_PROPERTY),
    TANDEM_CL_NAME(CL_INVALID_COMPILER_OPTIONS),
    TANDEM_CL_NAME(CL_INVALID_LINKER_OPTIONS),
    TANDEM_CL_NAME(CL_INVALID_DEVICE_PARTITION_COUNT),
};
#undef TANDEM_CL_NAME

} // namespace

std::string clErrorName(cl_int code) {
  // cl_khr_icd: the loader found no driver at all.
  if (code == -1001) return "CL_PLATFORM_NOT_FOUND_KHR";
  for (const CodeName& entry : kNames)
    if (entry.code == code) return std::string(entry.name);
  return "OpenCL error " + std::to_string(code);
}

Error clFailed(std::string_view what, cl_int code, std::string_view where) {
  const bool memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES ||
                      code == CL_OUT_OF_HOST_MEMORY || code == CL_INVALID_BUFFER_SIZE;
  return makeError(ErrorCode::DeviceFailed, std::string(what) + " failed with " + clErrorName(code), std::string(where),
                   memory ? "use a smaller batch, fewer replicas or another device"
                          : "check the OpenCL driver, or place these layers on another device");
}

} // namespace tandem::opencl
