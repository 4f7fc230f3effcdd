// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/detail/binary_cache.hpp"
#include "engine/devices/opencl/detail/cl_handles.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace tandem::opencl {

/// The OpenCL C programs of one device, each built at most once per process. Thread-safe.
class KernelLibrary {
 public:
  KernelLibrary(cl_context context, cl_device_id device, std::string deviceKey, std::string where,
                std::filesystem::path cacheDirectory);

  /// The built program of kernels/<source>.cl, or of several ("a+b"), with `options` and what was `generated` behind
  /// them; lives as long as the library.
  Result<cl_program> get(std::string_view source, const std::string& options, const std::string& generated = {});
  /// Stores the programs built since the last call. To be called after each of their kernels ran once: drivers such
  /// as PoCL compile work-group functions at the first enqueue, and only then does the binary hold them.
  void persist();

  int builtCount() const;
  int loadedCount() const;

 private:
  struct Entry {
    ProgramHandle program;
    std::string key;
    bool stored = false;
  };
  Result<ProgramHandle> load(const std::string& key, const std::string& options);
  Result<ProgramHandle> build(std::string_view name, const std::string& text, const std::string& options);

  cl_context m_context;
  cl_device_id m_device;
  std::string m_deviceKey;
  std::string m_where;
  BinaryCache m_cache;
  mutable std::mutex m_mutex;
  std::map<std::string, Entry> m_entries;
  int m_built = 0;
  int m_loaded = 0;
};

} // namespace tandem::opencl
