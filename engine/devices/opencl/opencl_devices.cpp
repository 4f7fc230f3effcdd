// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/opencl_devices.hpp"

#include "engine/base/cache_folder.hpp"
#include "engine/devices/opencl/detail/device_facts.hpp"
#include "engine/devices/opencl/detail/icd_check.hpp"
#include "engine/devices/opencl/opencl_device.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <numeric>

namespace tandem {
namespace opencl {
namespace {

/// "PoCL 3.1" from "OpenCL 3.0 PoCL 3.1+debian  Linux, ...", else the driver's own number.
std::string driverName(cl_platform_id platform, cl_device_id device) {
  const std::string version = platformText(platform, CL_PLATFORM_VERSION);
  const std::string driver = deviceText(device, CL_DRIVER_VERSION);
  if (version.find("PoCL") != std::string::npos) return "PoCL " + driver.substr(0, driver.find('+'));
  return driver;
}

/// One device of a platform, before it has an id.
struct Found {
  cl_platform_id platform = nullptr;
  cl_device_id device = nullptr;
  cl_device_type type = 0;
};

class Enumerator {
 public:
  explicit Enumerator(const OpenClOptions& options) : m_options(options) {
    m_cacheDirectory = options.cacheDir.empty() ? cacheFolder("opencl") : options.cacheDir;
  }

  OpenClEnumeration run() {
    const DriverCheck check = checkDrivers();
    m_result.problems = check.problems;
    std::vector<Found> found;
    {
      const HarmlessDriversOnly loaded(check);
      for (cl_platform_id platform : platforms()) listDevices(platform, found);
    }
    const auto addAll = [&](auto matches, const char* prefix) {
      m_next = 0;
      for (const Found& device : found)
        if (matches(device.type)) add(device, prefix);
    };
    addAll([](cl_device_type type) { return (type & CL_DEVICE_TYPE_GPU) != 0; }, "GPU:");
    addAll([](cl_device_type type) { return (type & CL_DEVICE_TYPE_CPU) && !(type & CL_DEVICE_TYPE_GPU); },
           "OPENCL-CPU:");
    addAll([](cl_device_type type) { return !(type & (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_CPU)); }, "ACCELERATOR:");
    return std::move(m_result);
  }

 private:
  void problem(std::string platform, std::string message) {
    m_result.problems.push_back({std::move(platform), std::move(message)});
  }

  /// Calls into a driver; what it throws becomes a problem of the platform `name`.
  template <class Function> void guarded(const std::string& name, Function function) {
    try {
      function();
    } catch (const std::exception& error) {
      problem(name, std::string("the driver threw: ") + error.what());
    } catch (...) {
      problem(name, "the driver threw an unknown exception");
    }
  }

  std::vector<cl_platform_id> platforms() {
    std::vector<cl_platform_id> result;
    guarded("OpenCL loader", [&] {
      cl_uint count = 0;
      cl_int code = clGetPlatformIDs(0, nullptr, &count);
      constexpr cl_int kNoPlatform = -1001; // CL_PLATFORM_NOT_FOUND_KHR: no driver installed, not a problem
      if (code == kNoPlatform) return;
      std::vector<cl_platform_id> all(count);
      if (code == CL_SUCCESS && count > 0) code = clGetPlatformIDs(count, all.data(), nullptr);
      if (code != CL_SUCCESS) return problem("OpenCL loader", "clGetPlatformIDs failed with " + clErrorName(code));
      result = std::move(all);
    });
    return result;
  }

  void listDevices(cl_platform_id platform, std::vector<Found>& found) {
    std::string name = "OpenCL platform";
    guarded(name, [&] {
      if (std::string own = platformText(platform, CL_PLATFORM_NAME); !own.empty()) name = std::move(own);
      cl_uint count = 0;
      cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &count);
      if (code == CL_DEVICE_NOT_FOUND || (code == CL_SUCCESS && count == 0))
        return problem(name, "the platform lists no device");
      std::vector<cl_device_id> devices(count);
      if (code == CL_SUCCESS) code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, devices.data(), nullptr);
      if (code != CL_SUCCESS) return problem(name, "listing its devices failed with " + clErrorName(code));
      for (cl_device_id device : devices) {
        cl_device_type type = 0;
        cl_bool available = CL_FALSE;
        cl_bool compiler = CL_FALSE;
        code = clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, nullptr);
        if (code == CL_SUCCESS)
          code = clGetDeviceInfo(device, CL_DEVICE_AVAILABLE, sizeof available, &available, nullptr);
        if (code == CL_SUCCESS)
          code = clGetDeviceInfo(device, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, nullptr);
        if (code != CL_SUCCESS)
          problem(name, deviceText(device, CL_DEVICE_NAME) + ": clGetDeviceInfo failed with " + clErrorName(code));
        else if (!available)
          problem(name, deviceText(device, CL_DEVICE_NAME) + ": CL_DEVICE_NOT_AVAILABLE");
        else if (!compiler)
          problem(name, deviceText(device, CL_DEVICE_NAME) + ": CL_COMPILER_NOT_AVAILABLE");
        else
          found.push_back({platform, device, type});
      }
    });
  }

  void add(const Found& found, const char* prefix) {
    const std::string platform = platformText(found.platform, CL_PLATFORM_NAME);
    guarded(platform, [&] {
      const bool cpu = (found.type & CL_DEVICE_TYPE_CPU) != 0;
      if (cpu && !m_options.coreSets.empty()) return addSubDevices(found, prefix);
      CpuSet cores;
      if (cpu) cores = coresOf(deviceNumber<cl_uint>(found.device, CL_DEVICE_MAX_COMPUTE_UNITS, 1));
      open(found, SubDeviceHandle(), std::move(cores), prefix + std::to_string(m_next));
      ++m_next;
    });
  }

  /// The processors on which a CPU driver with `units` compute units works, if it puts unit i on processor i.
  static CpuSet coresOf(cl_uint units) {
    std::vector<int> cpus(units);
    std::iota(cpus.begin(), cpus.end(), 0);
    return CpuSet(std::move(cpus));
  }

  /// One sub-device per core set. clCreateSubDevices BY_COUNTS hands out compute units in order, so the sets are laid
  /// along the units, with unused parts for processors in no set.
  void addSubDevices(const Found& found, const char* prefix) {
    const std::string name = platformText(found.platform, CL_PLATFORM_NAME);
    const int units = static_cast<int>(deviceNumber<cl_uint>(found.device, CL_DEVICE_MAX_COMPUTE_UNITS, 1));
    const auto& sets = m_options.coreSets;
    std::vector<std::size_t> order(sets.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return sets[a].cpus().front() < sets[b].cpus().front(); });
    std::vector<cl_device_partition_property> counts{CL_DEVICE_PARTITION_BY_COUNTS};
    std::vector<int> setOfPart;
    int next = 0;
    for (std::size_t index : order) {
      const std::vector<int>& cpus = sets[index].cpus();
      if (cpus.front() < next || cpus.back() - cpus.front() + 1 != sets[index].count() || cpus.back() >= units)
        return problem(name, "cannot be split on the cores " + sets[index].toString() +
                                 ": sub-devices take neighbouring compute units, of which there are " +
                                 std::to_string(units));
      if (cpus.front() > next) counts.push_back(cpus.front() - next), setOfPart.push_back(-1);
      counts.push_back(sets[index].count());
      setOfPart.push_back(static_cast<int>(index));
      next = cpus.back() + 1;
    }
    if (setOfPart.size() == 1 && next == units) { // one set that is the whole device: nothing to split
      open(found, SubDeviceHandle(), sets[0], prefix + std::to_string(m_next++));
      return;
    }
    counts.push_back(CL_DEVICE_PARTITION_BY_COUNTS_LIST_END);
    counts.push_back(0);
    std::vector<cl_device_id> parts(setOfPart.size());
    const cl_int code =
        clCreateSubDevices(found.device, counts.data(), static_cast<cl_uint>(parts.size()), parts.data(), nullptr);
    if (code != CL_SUCCESS) return problem(name, "clCreateSubDevices failed with " + clErrorName(code));
    std::vector<SubDeviceHandle> handles;
    for (cl_device_id part : parts) handles.emplace_back(part);
    for (std::size_t set = 0; set < sets.size(); ++set) {
      const auto part = std::find(setOfPart.begin(), setOfPart.end(), static_cast<int>(set)) - setOfPart.begin();
      Found sub = found;
      sub.device = parts[static_cast<std::size_t>(part)];
      open(sub, std::move(handles[static_cast<std::size_t>(part)]), sets[set], prefix + std::to_string(m_next + set));
    }
    m_next += sets.size();
  }

  void open(const Found& found, SubDeviceHandle sub, CpuSet cores, std::string id) {
    ContextRecipe recipe;
    recipe.platform = found.platform;
    recipe.device = found.device;
    if (sub) recipe.subDevice = std::make_shared<const SubDeviceHandle>(std::move(sub));
    describe(found, std::move(cores), std::move(id), recipe.info);
    const bool cpu = recipe.info.kind == DeviceKind::OpenClCpu;
    recipe.style = m_options.kernels == OpenClKernels::Cpu   ? KernelStyle::Cpu
                   : m_options.kernels == OpenClKernels::Gpu ? KernelStyle::Gpu
                   : cpu                                     ? KernelStyle::Cpu
                                                             : KernelStyle::Gpu;
    recipe.cacheDirectory = m_cacheDirectory;
    recipe.buildsAtOnce = m_options.buildsAtOnce;
    recipe.memory = wantedMemory();
    const std::string key = programKey(recipe);
    recipe.tuning = std::make_shared<TuningDatabase>(key.empty() ? std::filesystem::path() : m_cacheDirectory, key,
                                                     std::string_view());
    auto context = openContext(recipe);
    if (!context) return problem(recipe.info.platform, recipe.info.name + ": " + context.error().line());
    recipe.memory = (*context)->memory; // a context opened later is to be like this one
    recipe.info.hostMemory = (*context)->info.hostMemory;
    m_result.devices.push_back(std::make_unique<OpenClDevice>(std::move(recipe), std::move(*context)));
  }

  std::optional<MemoryKind> wantedMemory() const {
    switch (m_options.memory) {
    case OpenClMemory::Discrete: return MemoryKind::Discrete;
    case OpenClMemory::Mapped: return MemoryKind::Mapped;
    case OpenClMemory::Auto: break;
    }
    return std::nullopt;
  }

  static void describe(const Found& found, CpuSet cores, std::string id, DeviceInfo& info) {
    info.id = std::move(id);
    info.kind = (found.type & CL_DEVICE_TYPE_GPU)   ? DeviceKind::OpenClGpu
                : (found.type & CL_DEVICE_TYPE_CPU) ? DeviceKind::OpenClCpu
                                                    : DeviceKind::OpenClAccelerator;
    info.name = deviceText(found.device, CL_DEVICE_NAME);
    info.vendor = deviceText(found.device, CL_DEVICE_VENDOR);
    info.driver = driverName(found.platform, found.device);
    const std::string version = platformText(found.platform, CL_PLATFORM_VERSION);
    info.platform = platformText(found.platform, CL_PLATFORM_NAME) + ", " + version.substr(0, version.find(' ', 7));
    info.computeUnits = static_cast<int>(deviceNumber<cl_uint>(found.device, CL_DEVICE_MAX_COMPUTE_UNITS, 0));
    info.memoryBytes = static_cast<std::int64_t>(deviceNumber<cl_ulong>(found.device, CL_DEVICE_GLOBAL_MEM_SIZE, 0));
    info.maxAllocationBytes =
        static_cast<std::int64_t>(deviceNumber<cl_ulong>(found.device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 0));
    info.unifiedMemory = deviceNumber<cl_bool>(found.device, CL_DEVICE_HOST_UNIFIED_MEMORY, CL_FALSE) == CL_TRUE;
    info.float16 = deviceText(found.device, CL_DEVICE_EXTENSIONS).find("cl_khr_fp16") != std::string::npos;
    info.halfWeights = true; // loading halves is part of OpenCL, computing with them is not
    info.cores = std::move(cores);
    if (info.kind == DeviceKind::OpenClCpu) {
      const std::string native = "CPU:" + info.id.substr(info.id.find(':') + 1);
      info.note = "OpenCL hosted on the CPU; shares " + std::string(info.cores.count() == 1 ? "core " : "cores ") +
                  info.cores.toString() + " with " + native;
    }
  }

  const OpenClOptions& m_options;
  std::filesystem::path m_cacheDirectory;
  OpenClEnumeration m_result;
  std::size_t m_next = 0; ///< number of the next device of the kind being added
};

} // namespace
} // namespace opencl

OpenClEnumeration enumerateOpenCl(const OpenClOptions& options) {
  // Without it the scheduler moves PoCL's workers: sub-devices are then no core sets, and two workers may share a core.
  setenv("POCL_AFFINITY", "1", 0);
  try {
    return opencl::Enumerator(options).run();
  } catch (const std::exception& error) {
    return {{}, {{"OpenCL", error.what()}}};
  }
}

OpenClBuildCounts openClBuildCounts(const Device& device) {
  const auto* own = dynamic_cast<const opencl::OpenClDevice*>(&device);
  if (!own) return {};
  const auto [built, loaded] = own->buildCounts();
  return {built, loaded};
}

} // namespace tandem
