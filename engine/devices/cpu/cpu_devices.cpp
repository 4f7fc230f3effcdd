// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_devices.hpp"

#include "engine/devices/cpu/cpu_device.hpp"
#include "engine/devices/cpu/kernels/byte_product.hpp"

#include <fstream>
#include <unistd.h>

namespace tandem {
namespace {

/// A field of the first processor in /proc/cpuinfo ("model name", "vendor_id"); `fallback` where the system has none.
std::string cpuInfoField(std::string_view key, std::string fallback) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    return line.substr(colon + 2);
  }
  return fallback;
}

std::string vendorName(const std::string& id) {
  if (id == "AuthenticAMD") return "AMD";
  if (id == "GenuineIntel") return "Intel";
  return id;
}

/// The widest vectors that oneDNN uses on this machine.
std::string instructionSet() {
  switch (dnnl::get_effective_cpu_isa()) {
  case dnnl::cpu_isa::sse41: return "SSE4.1";
  case dnnl::cpu_isa::avx: return "AVX";
  case dnnl::cpu_isa::avx2: return "AVX2";
  case dnnl::cpu_isa::avx2_vnni: return "AVX2";
  case dnnl::cpu_isa::all: return "no vectors";
  default: return "AVX-512";
  }
}

std::string driverText() {
  const dnnl::version_t* version = dnnl::version();
  return "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch) + ", " + instructionSet();
}

std::int64_t physicalMemory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long pageBytes = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && pageBytes > 0 ? static_cast<std::int64_t>(pages) * pageBytes : std::int64_t{1} << 32;
}

} // namespace

std::vector<std::unique_ptr<Device>> makeCpuDevices(const std::vector<CpuSet>& coreSets,
                                                    const std::filesystem::path& timingFolder) {
  std::vector<CpuSet> sets = coreSets;
  if (sets.empty()) sets.push_back(CpuSet::available());
  const std::string processor = cpuInfoField("model name", "CPU");
  const auto timings = std::make_shared<cpu::TimingCache>(timingFolder, processor + ", " + driverText());
  std::vector<std::unique_ptr<Device>> devices;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    DeviceInfo info;
    info.id = "CPU:" + std::to_string(i);
    info.kind = DeviceKind::NativeCpu;
    info.name = processor;
    info.vendor = vendorName(cpuInfoField("vendor_id", "unknown"));
    info.driver = driverText();
    info.note = (sets[i].count() == 1 ? "core " : "cores ") + sets[i].toString();
    info.computeUnits = sets[i].count();
    info.memoryBytes = physicalMemory();
    info.maxAllocationBytes = info.memoryBytes;
    info.unifiedMemory = info.hostMemory = true;
    info.int8 = cpu::sumsOfBytesAreExact();
    info.cores = sets[i];
    devices.push_back(std::make_unique<cpu::CpuDevice>(std::move(info), timings));
  }
  return devices;
}

Result<ProbeResult> probeWithThreads(Device& device, int threads, const CancelToken& cancel) {
  auto* cpu = dynamic_cast<cpu::CpuDevice*>(&device);
  return cpu ? cpu->probe(threads, cancel) : device.probe(cancel);
}

} // namespace tandem
