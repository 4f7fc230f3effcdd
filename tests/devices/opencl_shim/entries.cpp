// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/opencl_shim/rules.hpp"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>

// The entry points of libOpenCL that the engine and CLBlast call. What is not here goes straight to the real library.
namespace {

using tandem::test::shim::Action;
using tandem::test::shim::State;
using tandem::test::shim::Verdict;

State& state() { return State::instance(); }

void* nextSymbol(const char* name) { return dlsym(RTLD_NEXT, name); }
#define NEXT(name) (reinterpret_cast<decltype(&name)>(nextSymbol(#name)))

/// Enters `name` for the device of `object`; leaves it where a rule fails the call.
#define ENTER(name, object)                                                                                            \
  const Verdict verdict = state().enter(#name, state().deviceOf(object));                                              \
  if (verdict.action == Action::Fail) return verdict.code
/// The same where the code goes through a pointer and the result is an object.
#define ENTER_MAKER(name, object)                                                                                      \
  const int device = state().deviceOf(object);                                                                         \
  const Verdict verdict = state().enter(#name, device);                                                                \
  if (verdict.action == Action::Fail) return failed(verdict.code, code)

std::nullptr_t failed(cl_int verdict, cl_int* code) {
  if (code) *code = verdict;
  return nullptr;
}

cl_int enqueued(cl_int code, cl_event* event, cl_command_queue queue) {
  if (code == CL_SUCCESS && event) state().made("cl_event", *event, state().deviceOf(queue));
  return code;
}

cl_int answer(const void* value, std::size_t bytes, std::size_t room, void* target, std::size_t* needed) {
  if (needed) *needed = bytes;
  if (!target) return CL_SUCCESS;
  if (room < bytes) return CL_INVALID_VALUE;
  std::memcpy(target, value, bytes);
  return CL_SUCCESS;
}

} // namespace

extern "C" {

cl_int clGetPlatformIDs(cl_uint entries, cl_platform_id* platforms, cl_uint* count) {
  ENTER(clGetPlatformIDs, nullptr);
  return NEXT(clGetPlatformIDs)(entries, platforms, count);
}

cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t size, void* value, size_t* needed) {
  ENTER(clGetPlatformInfo, nullptr);
  return NEXT(clGetPlatformInfo)(platform, what, size, value, needed);
}

cl_int clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint entries, cl_device_id* devices,
                      cl_uint* count) {
  ENTER(clGetDeviceIDs, nullptr);
  return NEXT(clGetDeviceIDs)(platform, type, entries, devices, count);
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size, void* value, size_t* needed) {
  ENTER(clGetDeviceInfo, device);
  const cl_ulong bytes = what == CL_DEVICE_MAX_MEM_ALLOC_SIZE ? state().maxAllocation
                         : what == CL_DEVICE_GLOBAL_MEM_SIZE  ? state().memory
                                                              : 0;
  if (bytes > 0) return answer(&bytes, sizeof bytes, size, value, needed);
  if (what == CL_DEVICE_MEM_BASE_ADDR_ALIGN && state().alignment > 0) {
    const auto bits = static_cast<cl_uint>(state().alignment * 8);
    return answer(&bits, sizeof bits, size, value, needed);
  }
  if (what == CL_DEVICE_HOST_UNIFIED_MEMORY && state().ownMemory) {
    const cl_bool unified = CL_FALSE;
    return answer(&unified, sizeof unified, size, value, needed);
  }
  return NEXT(clGetDeviceInfo)(device, what, size, value, needed);
}

cl_int clCreateSubDevices(cl_device_id device, const cl_device_partition_property* properties, cl_uint entries,
                          cl_device_id* parts, cl_uint* count) {
  ENTER(clCreateSubDevices, device);
  const cl_int code = NEXT(clCreateSubDevices)(device, properties, entries, parts, count);
  for (cl_uint i = 0; code == CL_SUCCESS && parts && i < entries; ++i) state().made("cl_device_id", parts[i], -1);
  return code;
}

cl_context clCreateContext(const cl_context_properties* properties, cl_uint count, const cl_device_id* devices,
                           void(CL_CALLBACK* notify)(const char*, const void*, size_t, void*), void* user,
                           cl_int* code) {
  const int device = count > 0 ? state().numberDevice(devices[0]) : -1;
  const Verdict verdict = state().enter("clCreateContext", device);
  if (verdict.action == Action::Fail) return failed(verdict.code, code);
  cl_context context = NEXT(clCreateContext)(properties, count, devices, notify, user, code);
  state().made("cl_context", context, device);
  return context;
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id id, cl_command_queue_properties properties,
                                      cl_int* code) {
  ENTER_MAKER(clCreateCommandQueue, context);
  cl_command_queue queue = NEXT(clCreateCommandQueue)(context, id, properties, code);
  state().made("cl_command_queue", queue, device);
  return queue;
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void* host, cl_int* code) {
  ENTER_MAKER(clCreateBuffer, context);
  if (const cl_int refused = state().admit(size); refused != CL_SUCCESS) return failed(refused, code);
  cl_mem mem = NEXT(clCreateBuffer)(context, flags, size, host, code);
  state().made("cl_mem", mem, device);
  if (mem) state().allocated(mem, size, verdict.action == Action::Defer);
  return mem;
}

cl_mem clCreateSubBuffer(cl_mem whole, cl_mem_flags flags, cl_buffer_create_type type, const void* info, cl_int* code) {
  ENTER_MAKER(clCreateSubBuffer, whole);
  const auto* region = static_cast<const cl_buffer_region*>(info);
  if (state().alignment > 0 && region->origin % state().alignment != 0)
    return failed(CL_MISALIGNED_SUB_BUFFER_OFFSET, code);
  cl_mem mem = NEXT(clCreateSubBuffer)(whole, flags, type, info, code);
  state().made("cl_mem", mem, device);
  if (mem) state().partOf(mem, whole);
  return mem;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char** texts, const size_t* lengths,
                                     cl_int* code) {
  ENTER_MAKER(clCreateProgramWithSource, context);
  cl_program program = NEXT(clCreateProgramWithSource)(context, count, texts, lengths, code);
  state().made("cl_program", program, device);
  return program;
}

cl_program clCreateProgramWithBinary(cl_context context, cl_uint count, const cl_device_id* devices,
                                     const size_t* lengths, const unsigned char** binaries, cl_int* status,
                                     cl_int* code) {
  ENTER_MAKER(clCreateProgramWithBinary, context);
  cl_program program = NEXT(clCreateProgramWithBinary)(context, count, devices, lengths, binaries, status, code);
  state().made("cl_program", program, device);
  return program;
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id* devices, const char* options,
                      void(CL_CALLBACK* notify)(cl_program, void*), void* user) {
  const Verdict verdict = state().enter("clBuildProgram", state().deviceOf(program));
  if (verdict.action == Action::Fail) {
    if (verdict.log) state().setLog(program, *verdict.log);
    return verdict.code;
  }
  // The engine may build side by side on any driver; the one underneath need not bear it.
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  return NEXT(clBuildProgram)(program, count, devices, options, notify, user);
}

cl_int clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what, size_t size,
                             void* value, size_t* needed) {
  ENTER(clGetProgramBuildInfo, program);
  if (const auto log = state().logOf(program); log && what == CL_PROGRAM_BUILD_LOG)
    return answer(log->c_str(), log->size() + 1, size, value, needed);
  return NEXT(clGetProgramBuildInfo)(program, device, what, size, value, needed);
}

cl_int clGetProgramInfo(cl_program program, cl_program_info what, size_t size, void* value, size_t* needed) {
  ENTER(clGetProgramInfo, program);
  return NEXT(clGetProgramInfo)(program, what, size, value, needed);
}

cl_kernel clCreateKernel(cl_program program, const char* name, cl_int* code) {
  ENTER_MAKER(clCreateKernel, program);
  cl_kernel kernel = NEXT(clCreateKernel)(program, name, code);
  state().made("cl_kernel", kernel, device);
  return kernel;
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void* value) {
  ENTER(clSetKernelArg, kernel);
  state().setArgument(kernel, index, size, value);
  return NEXT(clSetKernelArg)(kernel, index, size, value);
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t* offset,
                              const size_t* global, const size_t* local, cl_uint waits, const cl_event* list,
                              cl_event* event) {
  ENTER(clEnqueueNDRangeKernel, queue);
  if (state().usesDeferred(kernel)) return CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return enqueued(NEXT(clEnqueueNDRangeKernel)(queue, kernel, dims, offset, global, local, waits, list, event), event,
                  queue);
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset, size_t size,
                           void* target, cl_uint waits, const cl_event* list, cl_event* event) {
  ENTER(clEnqueueReadBuffer, queue);
  if (state().usesDeferred(mem)) return CL_MEM_OBJECT_ALLOCATION_FAILURE;
  const bool flip = verdict.action == Action::Flip && size > 0;
  const cl_int code = enqueued(
      NEXT(clEnqueueReadBuffer)(queue, mem, flip ? CL_TRUE : blocking, offset, size, target, waits, list, event), event,
      queue);
  // The top byte of a float in the middle: a wrong exponent, which no tolerance forgives.
  if (flip) static_cast<unsigned char*>(target)[std::min(size - 1, (size / 2) | 3)] ^= 0x40;
  return code;
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset, size_t size,
                            const void* source, cl_uint waits, const cl_event* list, cl_event* event) {
  ENTER(clEnqueueWriteBuffer, queue);
  if (state().usesDeferred(mem)) return CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return enqueued(NEXT(clEnqueueWriteBuffer)(queue, mem, blocking, offset, size, source, waits, list, event), event,
                  queue);
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem mem, const void* pattern, size_t length, size_t offset,
                           size_t size, cl_uint waits, const cl_event* list, cl_event* event) {
  ENTER(clEnqueueFillBuffer, queue);
  if (state().usesDeferred(mem)) return CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return enqueued(NEXT(clEnqueueFillBuffer)(queue, mem, pattern, length, offset, size, waits, list, event), event,
                  queue);
}

cl_int clEnqueueCopyBuffer(cl_command_queue queue, cl_mem from, cl_mem to, size_t fromOffset, size_t toOffset,
                           size_t size, cl_uint waits, const cl_event* list, cl_event* event) {
  ENTER(clEnqueueCopyBuffer, queue);
  if (state().usesDeferred(from) || state().usesDeferred(to)) return CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return enqueued(NEXT(clEnqueueCopyBuffer)(queue, from, to, fromOffset, toOffset, size, waits, list, event), event,
                  queue);
}

cl_int clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint waits, const cl_event* list, cl_event* event) {
  ENTER(clEnqueueMarkerWithWaitList, queue);
  return enqueued(NEXT(clEnqueueMarkerWithWaitList)(queue, waits, list, event), event, queue);
}

cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info what, size_t size, void* value, size_t* needed) {
  ENTER(clGetEventProfilingInfo, event);
  return NEXT(clGetEventProfilingInfo)(event, what, size, value, needed);
}

cl_int clGetEventInfo(cl_event event, cl_event_info what, size_t size, void* value, size_t* needed) {
  ENTER(clGetEventInfo, event);
  return NEXT(clGetEventInfo)(event, what, size, value, needed);
}

cl_int clWaitForEvents(cl_uint count, const cl_event* events) {
  ENTER(clWaitForEvents, count > 0 ? events[0] : nullptr);
  return NEXT(clWaitForEvents)(count, events);
}

cl_int clFlush(cl_command_queue queue) {
  ENTER(clFlush, queue);
  return NEXT(clFlush)(queue);
}

cl_int clFinish(cl_command_queue queue) {
  const Verdict verdict = state().enter("clFinish", state().deviceOf(queue));
  // A device that failed works on nothing any more: what is queued here must not touch memory that is freed next.
  const cl_int code = NEXT(clFinish)(queue);
  return verdict.action == Action::Fail ? verdict.code : code;
}

#define COUNTED(type, retain, release)                                                                                 \
  cl_int retain(type object) {                                                                                         \
    const cl_int code = NEXT(retain)(object);                                                                          \
    if (code == CL_SUCCESS) state().retained(object);                                                                  \
    return code;                                                                                                       \
  }                                                                                                                    \
  cl_int release(type object) {                                                                                        \
    const Verdict verdict = state().enter(#release, state().deviceOf(object));                                         \
    state().released(object);                                                                                          \
    const cl_int code = NEXT(release)(object);                                                                         \
    return verdict.action == Action::Fail ? verdict.code : code;                                                       \
  }
COUNTED(cl_device_id, clRetainDevice, clReleaseDevice)
COUNTED(cl_context, clRetainContext, clReleaseContext)
COUNTED(cl_command_queue, clRetainCommandQueue, clReleaseCommandQueue)
COUNTED(cl_mem, clRetainMemObject, clReleaseMemObject)
COUNTED(cl_program, clRetainProgram, clReleaseProgram)
COUNTED(cl_kernel, clRetainKernel, clReleaseKernel)
COUNTED(cl_event, clRetainEvent, clReleaseEvent)

} // extern "C"
