// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#define CL_TARGET_OPENCL_VERSION 120
#include "engine/base/error.hpp"

#include <CL/cl.h>
#include <string>
#include <string_view>
#include <utility>

namespace tandem::opencl {

/// Owns one reference to an OpenCL object.
template <class T, cl_int (*Release)(T)> class Handle {
 public:
  Handle() = default;
  explicit Handle(T object) : m_object(object) {}
  Handle(Handle&& other) noexcept : m_object(std::exchange(other.m_object, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      m_object = std::exchange(other.m_object, nullptr);
    }
    return *this;
  }
  ~Handle() { reset(); }

  T get() const { return m_object; }
  explicit operator bool() const { return m_object != nullptr; }
  void reset() {
    if (m_object) Release(m_object);
    m_object = nullptr;
  }

 private:
  T m_object = nullptr;
};

using ContextHandle = Handle<cl_context, clReleaseContext>;
using QueueHandle = Handle<cl_command_queue, clReleaseCommandQueue>;
using ProgramHandle = Handle<cl_program, clReleaseProgram>;
using KernelHandle = Handle<cl_kernel, clReleaseKernel>;
using MemHandle = Handle<cl_mem, clReleaseMemObject>;
using EventHandle = Handle<cl_event, clReleaseEvent>;
using SubDeviceHandle = Handle<cl_device_id, clReleaseDevice>;

/// "CL_OUT_OF_RESOURCES", or "OpenCL error -9999" for a code of a vendor's own.
std::string clErrorName(cl_int code);

/// DeviceFailed: "<what> failed with CL_...", where = device or kernel.
Error clFailed(std::string_view what, cl_int code, std::string_view where);

} // namespace tandem::opencl
