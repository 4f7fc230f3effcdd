// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/core_sets.hpp"
#include "engine/devices/cpu/topology.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/service.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

constexpr const char* kNoGpuAdvice =
    "No GPU was found through OpenCL. Install its driver (NVIDIA: nvidia-opencl-icd, AMD: mesa-opencl-icd or ROCm, "
    "Intel: intel-opencl-icd) and restart. Until then OpenCL on the CPU (PoCL) stands in for it.";
constexpr const char* kNoOpenClAdvice =
    "No OpenCL device was found. Install pocl-opencl-icd to try a second device on this CPU, or the OpenCL driver of "
    "your GPU (NVIDIA: nvidia-opencl-icd, AMD: mesa-opencl-icd or ROCm, Intel: intel-opencl-icd), and restart.";

Json encodeProbe(const ProbeResult& probe) {
  return {{"gflops", probe.gflops},
          {"memory_gb_per_s", probe.memoryGbPerS},
          {"to_device_gb_per_s", probe.toDeviceGbPerS},
          {"to_host_gb_per_s", probe.toHostGbPerS},
          {"launch_us", probe.launchUs},
          {"round_trip_us", probe.roundTripUs}};
}

Json precisionsOf(const DeviceInfo& info) {
  Json list = Json::array({toString(Precision::Model)});
  if (info.halfWeights) list.push_back(toString(Precision::Float16));
  return list;
}

Json encodeDevice(const Device& device, const DeviceRegistry& registry, const std::optional<ProbeResult>& probe) {
  const DeviceInfo& info = device.info();
  Json json{{"id", info.id},
            {"kind", toString(info.kind)},
            {"name", info.name},
            {"vendor", info.vendor},
            {"driver", info.driver},
            {"platform", info.platform},
            {"note", info.note},
            {"compute_units", info.computeUnits},
            {"memory_bytes", info.memoryBytes},
            {"max_allocation_bytes", info.maxAllocationBytes},
            {"unified_memory", info.unifiedMemory},
            {"precisions", precisionsOf(info)},
            {"visible", !registry.isHidden(info.id)},
            {"cores", info.cores.toString()}};
  if (auto limit = registry.memoryLimit(info.id)) json["memory_limit_bytes"] = *limit;
  json["probe"] = probe ? encodeProbe(*probe) : Json();
  return json;
}

Json encodeTopology(const CpuTopology& topology) {
  Json json{{"processors", Json::array()}, {"core_sets", Json::array()}};
  for (const Processor& each : topology.processors)
    json["processors"].push_back({{"os_index", each.osIndex},
                                  {"core", each.core},
                                  {"smt", each.smtRank},
                                  {"package", each.package},
                                  {"numa", each.numaNode},
                                  {"l2", each.l2},
                                  {"l3", each.l3},
                                  {"kind", toString(each.kind)},
                                  {"efficiency", each.efficiency},
                                  {"available", each.available}});
  for (const NamedCoreSets& named : namedCoreSets(topology))
    json["core_sets"].push_back({{"name", named.name}, {"meaning", named.meaning}, {"sets", toText(named.sets)}});
  json["l3_bytes"] = topology.l3Bytes;
  json["summary"] = topology.summary();
  return json;
}

Json encodeList(const Job& job, const DeviceRegistry& registry) {
  Json json{{"devices", Json::array()}, {"problems", Json::array()}, {"advice", ""}};
  bool gpu = false;
  bool opencl = false;
  for (Device* device : registry.devices()) {
    json["devices"].push_back(encodeDevice(*device, registry, job.state.probeOf(device->id())));
    gpu = gpu || device->info().kind == DeviceKind::OpenClGpu;
    opencl = opencl || device->info().kind != DeviceKind::NativeCpu;
  }
  for (const DeviceProblem& problem : registry.problems())
    json["problems"].push_back({{"platform", problem.platform}, {"message", problem.message}});
  if (!gpu) json["advice"] = opencl ? kNoGpuAdvice : kNoOpenClAdvice;
  json["topology"] = encodeTopology(machineTopology());
  return json;
}

} // namespace

Result<Json> configure(const Job& job) {
  EngineConfig config;
  config.cores = job.params.value("cores", std::string());
  config.hostCores = job.params.value("host_cores", std::string());
  config.hidden = job.params.value("hide", std::vector<std::string>());
  config.memoryLimits = readOr(job.params, "memory_limits", std::map<std::string, std::int64_t>());
  TANDEM_TRY(job.state.configure(config));
  // The list needs every driver, which costs more than most runs on a CPU.
  if (!job.params.value("list", true)) return Json::object();
  return encodeList(job, *job.state.registry());
}

Result<Json> listDevices(const Job& job) {
  const auto registry = job.state.registry();
  if (job.params.value("probe", false)) {
    const auto wanted = job.params.value("ids", std::vector<std::string>());
    const std::vector<Device*> devices = registry->devices();
    for (std::size_t i = 0; i < devices.size(); ++i) {
      const std::string& id = devices[i]->id();
      const bool listed = std::find(wanted.begin(), wanted.end(), id) != wanted.end();
      if (wanted.empty() ? registry->isHidden(id) : !listed) continue;
      job.progress(static_cast<std::int64_t>(i), static_cast<std::int64_t>(devices.size()), "measuring " + id);
      job.state.setProbe(id, TANDEM_TRY(devices[i]->probe(job.cancel)));
    }
  }
  return encodeList(job, *registry);
}

Result<Json> listModels(const Job&) {
  Json json{{"models", Json::array()}};
  for (const GallerySample& sample : gallerySamples())
    json["models"].push_back({{"name", sample.name},
                              {"title", sample.title},
                              {"description", sample.description},
                              {"task", sample.task},
                              {"input_shape", sample.inputShape.dims()}});
  return json;
}

} // namespace tandem::session
