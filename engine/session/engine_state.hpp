// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device_registry.hpp"
#include "engine/formats/models/model_reader.hpp"
#include "engine/placement/effective.hpp"
#include "engine/placement/placement_file.hpp"
#include "engine/runtime/bind_inputs.hpp"
#include "engine/runtime/free_dims.hpp"

#include <mutex>

namespace tandem::session {

struct ActiveRun;

/// What `configure` sets: core sets, hidden devices, memory limits.
struct EngineConfig {
  std::string cores;     ///< as given to --cores, names included; empty: one set of all processors
  std::string hostCores; ///< as given to --host-cores; empty: host_threads.hpp decides; "none": the system does
  std::vector<std::string> hidden;
  std::map<std::string, std::int64_t> memoryLimits;
};

/// A model kept open. Immutable once opened, so that jobs may share it.
struct OpenDocument {
  int handle = 0;
  std::string source;         ///< as the client named it
  std::filesystem::path path; ///< empty for a sample
  std::string name;           ///< file name or sample name
  ImportedModel model;
  Graph view; ///< the graph with batch 1 bound where its shapes allow, for costs and display; same ids
  /// The same with known shape inputs as constants, for asking devices what they support; same ids.
  Graph placed;
  double loadMs = 0;
  std::map<std::string, std::int64_t> chosenSizes; ///< by key of FreeDim
  std::vector<FreeDim> freeDims;                   ///< with the sizes that `view` has
  std::string sizesProblem;                        ///< why guessed sizes do not fit; `view` then leaves them open

  const Graph& graph() const { return model.graph; }
  /// The model for `items` items: input shapes from `given` (by name), else the chosen or guessed sizes.
  Result<BoundGraph> bind(std::int64_t items, const std::map<std::string, Shape>& given = {}) const;
  ModelIdentity identity() const;
};

/// Devices and documents of one session. Thread-safe: everything handed out is shared and immutable.
class EngineState {
 public:
  /// Enumerates devices (again). Fails with Usage for bad core sets and leaves the old devices in place.
  Result<void> configure(const EngineConfig& config);
  /// Enumerates with the default configuration at the first call.
  std::shared_ptr<const DeviceRegistry> registry();
  /// What a probe with that many threads measured (0: all of the device's cores), until the devices are configured.
  void setProbe(const std::string& id, const ProbeResult& probe, int threads = 0);
  std::optional<ProbeResult> probeOf(const std::string& id, int threads = 0) const;
  EngineConfig config() const;

  using Sizes = std::map<std::string, std::int64_t>;
  /// `sizes` are for what the model leaves open; those that do not fit it are refused.
  Result<std::shared_ptr<const OpenDocument>> open(const std::string& source, const Sizes& sizes,
                                                   const CancelToken& cancel);
  /// The open document with other sizes, under the same handle. Jobs that run keep the old one.
  Result<std::shared_ptr<const OpenDocument>> resize(int handle, const Sizes& sizes);
  Result<std::shared_ptr<const OpenDocument>> find(int handle) const;
  void close(int handle);

  /// The run that goes on and can be changed; null where none does.
  void setActiveRun(std::shared_ptr<ActiveRun> run);
  std::shared_ptr<ActiveRun> activeRun() const;

 private:
  Result<void> configureLocked(const EngineConfig& config); ///< under the lock of the enumeration

  mutable std::mutex m_mutex;
  std::shared_ptr<ActiveRun> m_activeRun;
  EngineConfig m_config;
  std::shared_ptr<const DeviceRegistry> m_registry;
  std::map<std::pair<std::string, int>, ProbeResult> m_probes; ///< by device and threads
  std::map<int, std::shared_ptr<const OpenDocument>> m_documents;
  int m_nextHandle = 1;
};

} // namespace tandem::session
