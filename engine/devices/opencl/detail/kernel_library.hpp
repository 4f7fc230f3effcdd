// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/devices/opencl/detail/binary_cache.hpp"
#include "engine/devices/opencl/detail/cl_handles.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>

namespace tandem::opencl {

struct DeviceContext;

/// One function of one built program.
struct KernelRequest {
  std::string source;  ///< kernels/<source>.cl, or several ("a+b")
  std::string options; ///< -D...
  std::string kernel;
  std::string generated = {}; ///< text behind the sources
};

/// The OpenCL C programs of one context, each built at most once per process. Thread-safe.
class KernelLibrary {
 public:
  /// `deviceKey` holds everything but source and options that a built program depends on; where it is empty, nothing is
  /// kept on disk.
  KernelLibrary(const DeviceContext& context, const std::string& deviceKey, std::filesystem::path cacheDirectory,
                std::size_t buildsAtOnce);

  /// The built program with that kernel; lives as long as the library. One from the disk cache that the driver refuses,
  /// or that lacks the kernel, is built from source and replaced.
  Result<cl_program> get(const KernelRequest& request);
  /// Builds what is missing of `requests`, several programs at a time where the driver gains by it. Stops between two
  /// programs where it is cancelled, and reports "compiling kernel 12 of 40 for GPU:0".
  Result<void> prepare(std::span<const KernelRequest> requests, const CancelToken& cancel,
                       const CompileProgress& progress);
  /// Stores the programs built since the last call. To be called after each of their kernels ran once: drivers such
  /// as PoCL compile work-group functions at the first enqueue, and only then does the binary hold them.
  void persist();

  int builtCount() const { return m_built; }
  int loadedCount() const { return m_loaded; }

 private:
  struct Entry {
    std::mutex mutex; ///< held while the program is built: others that want it wait
    ProgramHandle program;
    std::vector<ProgramHandle> replaced; ///< lacked a kernel; others may still launch the ones they have
    std::string key;
    bool fromDisk = false;
    bool stored = false;
  };
  std::shared_ptr<Entry> entryOf(const KernelRequest& request);
  Result<void> make(Entry& entry, const KernelRequest& request);
  ProgramHandle load(const std::string& key, const std::string& options, const std::string& kernel);
  Result<ProgramHandle> build(std::string_view name, const std::string& text, const std::string& options);

  const DeviceContext& m_context;
  std::string m_deviceKey;
  BinaryCache m_cache;
  std::size_t m_buildsAtOnce;
  mutable std::mutex m_mutex;
  std::map<std::string, std::shared_ptr<Entry>> m_entries;
  std::atomic<int> m_built{0}, m_loaded{0};
};

} // namespace tandem::opencl
