// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tandem::test::shim {

enum class Action { None, Fail, Hold, Flip, Defer, Abort };

struct Rule {
  std::string entry; ///< "*": any
  int device = -1;   ///< -1: any
  std::size_t nth = 1;
  bool onwards = false;
  Action action = Action::Fail;
  cl_int code = CL_SUCCESS;
  std::optional<std::string> log;
  std::size_t seen = 0;
};

/// What one call is to do.
struct Verdict {
  Action action = Action::None;
  cl_int code = CL_SUCCESS;
  std::optional<std::string> log;
};

/// Rules, counts and objects of the process. Thread-safe.
class State {
 public:
  static State& instance();

  void setRules(const std::string& text);
  Verdict enter(const char* entry, int device);

  int deviceOf(const void* object);      ///< -1 where unknown
  int numberDevice(cl_device_id device); ///< at its first context
  void made(const char* kind, const void* object, int device);
  void retained(const void* object);
  void released(const void* object);

  /// Remembers a buffer. CL_SUCCESS, or what a device of that size would say.
  cl_int admit(std::size_t bytes);
  void allocated(cl_mem mem, std::size_t bytes, bool deferred);
  void partOf(cl_mem part, cl_mem whole);
  void setArgument(cl_kernel kernel, cl_uint index, std::size_t size, const void* value);
  bool usesDeferred(cl_mem mem);
  bool usesDeferred(cl_kernel kernel);

  void setLog(cl_program program, std::string log);
  std::optional<std::string> logOf(cl_program program);

  void waitForRelease();
  void release();
  void waitUntilHeld(int calls);
  std::size_t calls();
  std::string nameOfCall(std::size_t n);
  std::size_t hits();
  std::string alive();

  std::uint64_t maxAllocation = 0, memory = 0, alignment = 0; ///< bytes; 0: as the real device
  std::uint64_t ownMemory = 0;                                ///< 1: the device says that its memory is not the host's

 private:
  State();
  void parse(const std::string& text);

  struct Object {
    const char* kind;
    int references;
    int device;
  };
  std::mutex m_mutex;
  std::condition_variable m_wake;
  std::vector<Rule> m_rules;
  std::vector<const char*> m_calls;
  std::size_t m_hits = 0;
  std::map<const void*, Object> m_objects;
  std::map<cl_device_id, int> m_devices;
  std::map<cl_mem, std::size_t> m_bytes;
  std::set<cl_mem> m_deferred;
  std::map<cl_kernel, std::map<cl_uint, cl_mem>> m_arguments;
  std::map<cl_program, std::string> m_logs;
  std::uint64_t m_used = 0;
  int m_held = 0;
  bool m_released = false;
};

} // namespace tandem::test::shim
