// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/engine_state.hpp"

#include "engine/base/cache_folder.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/core_sets.hpp"
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/cpu/topology.hpp"
#include "engine/devices/opencl/opencl_devices.hpp"
#include "engine/formats/audio/audio_spec.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/ops/op_def.hpp"
#include "engine/session/abandonable.hpp"
#include "engine/session/host_threads.hpp"

#include <algorithm>

namespace tandem::session {
namespace {

constexpr std::string_view kSamplePrefix = "sample:";

/// One enumeration at a time in the process: the default configuration must not replace one that was asked for
/// meanwhile.
std::mutex& enumerationMutex() {
  static std::mutex mutex;
  return mutex;
}

/// PoCL shows devices to a second thread before it has described them.
std::mutex& driverMutex() {
  static std::mutex mutex;
  return mutex;
}

Result<std::vector<CpuSet>> coreSetsOf(const std::string& text) {
  if (text.empty()) return std::vector<CpuSet>();
  return namesCoreSets(text) ? readCoreSets(text, machineTopology()) : parseCoreSets(text);
}

Result<std::shared_ptr<const DeviceRegistry>> enumerate(const EngineConfig& config) {
  const std::vector<CpuSet> coreSets = TANDEM_TRY(coreSetsOf(config.cores));
  auto registry = std::make_shared<DeviceRegistry>();
  registry->setHostCores(TANDEM_TRY(readHostCores(config.hostCores, !coreSets.empty())));
  for (auto& device : makeCpuDevices(coreSets, cacheFolder("cpu"))) registry->add(std::move(device));
  // Loading drivers costs more time and memory than most models: only for those who want these devices.
  registry->addLater([coreSets, folder = cacheFolder("opencl")](DeviceRegistry& rest) {
    std::lock_guard lock(driverMutex());
    OpenClEnumeration opencl = enumerateOpenCl({coreSets, folder});
    for (auto& device : opencl.devices) rest.add(std::move(device));
    for (DeviceProblem& problem : opencl.problems) rest.addProblem(std::move(problem));
  });
  for (const auto& [id, bytes] : config.memoryLimits) registry->setMemoryLimit(id, bytes);
  for (const std::string& id : config.hidden) {
    if (!registry->find(id))
      return makeError(ErrorCode::Usage, "there is no device '" + id + "' to hide", "--hide",
                       "`tandem devices` lists the devices");
    registry->hide(id);
  }
  return std::shared_ptr<const DeviceRegistry>(std::move(registry));
}

Result<ImportedModel> readSample(const std::string& name) {
  ImportedModel model;
  model.graph = TANDEM_TRY(buildSample(name));
  model.producer = "tandem gallery";
  model.opsets[""] = model.graph.opset;
  const Result<std::map<ValueId, Tensor>> known = inferShapes(model.graph);
  if (!known) return known.error();
  return model;
}

} // namespace

ModelIdentity OpenDocument::identity() const {
  return {name, model.sha256.hex(), static_cast<std::int64_t>(model.graph.nodes().size())};
}

Result<void> EngineState::configure(const EngineConfig& config) {
  std::lock_guard enumerating(enumerationMutex());
  return configureLocked(config);
}

Result<void> EngineState::configureLocked(const EngineConfig& config) {
  auto registry = TANDEM_TRY(enumerate(config));
  std::lock_guard lock(m_mutex);
  m_config = config;
  m_registry = std::move(registry);
  m_probes.clear();
  return {};
}

std::shared_ptr<const DeviceRegistry> EngineState::registry() {
  const auto current = [this] {
    std::lock_guard lock(m_mutex);
    return m_registry;
  };
  if (auto known = current()) return known;
  std::lock_guard enumerating(enumerationMutex());
  if (auto known = current()) return known; // somebody else was first
  const Result<void> configured = configureLocked({});
  TANDEM_ASSERT(configured.ok()); // without core sets and hidden devices there is nothing to refuse
  return current();
}

void EngineState::setProbe(const std::string& id, const ProbeResult& probe, int threads) {
  std::lock_guard lock(m_mutex);
  m_probes[{id, threads}] = probe;
}

std::optional<ProbeResult> EngineState::probeOf(const std::string& id, int threads) const {
  std::lock_guard lock(m_mutex);
  auto it = m_probes.find({id, threads});
  return it == m_probes.end() ? std::nullopt : std::optional(it->second);
}

EngineConfig EngineState::config() const {
  std::lock_guard lock(m_mutex);
  return m_config;
}

namespace {

/// What recordings are cut into, for models that take sound.
SizeHints sizeHints(const Graph& graph) {
  SizeHints hints;
  const auto audio = guessAudio(graph);
  if (!audio || audio->window <= 0 || graph.inputs().empty()) return hints;
  const Value& input = graph.value(graph.inputs().front());
  const std::size_t last = input.desc.shape.rank() - 1;
  hints[input.name + ":" + std::to_string(last)] = {audio->window, "a frame of sound"};
  return hints;
}

} // namespace

Result<BoundGraph> OpenDocument::bind(std::int64_t items, const std::map<std::string, Shape>& given) const {
  SizedInputs sized = TANDEM_TRY(sizeInputs(graph(), chosenSizes, items, sizeHints(graph())));
  InferOptions options;
  options.inputShapes = std::move(sized.shapes);
  for (const auto& [input, shape] : given) options.inputShapes[input] = shape;
  auto bound = bindInputs(graph(), items, options);
  const bool guessed =
      std::any_of(sized.dims.begin(), sized.dims.end(), [](const FreeDim& dim) { return !dim.chosen; });
  if (bound || !guessed || !given.empty()) return bound;
  std::string sizes;
  for (const FreeDim& dim : sized.dims)
    sizes += (sizes.empty() ? "" : ", ") + dim.key + "=" + std::to_string(dim.size) + (dim.chosen ? "" : " (guessed)");
  Error error = bound.error();
  error.message += "; the model leaves sizes open: " + sizes;
  error.hint = "choose them with --dim KEY=SIZE (in the window: Run > Input sizes), or give an input";
  return error;
}

namespace {

/// Shapes for display and placement. Guesses that do not fit leave the sizes open; chosen ones must fit.
Result<void> applySizes(OpenDocument& document, const EngineState::Sizes& sizes) {
  document.chosenSizes = sizes;
  document.freeDims = TANDEM_TRY(sizeInputs(document.graph(), sizes, 1, sizeHints(document.graph()))).dims;
  document.sizesProblem.clear();
  Result<BoundGraph> bound = document.bind(1);
  if (!bound && !sizes.empty()) return bound.error();
  if (!bound) document.sizesProblem = bound.error().line();
  document.placed = bound ? withKnownShapeInputs(*bound) : document.graph();
  document.view = bound ? std::move(bound->graph) : document.graph();
  return {};
}

} // namespace

Result<std::shared_ptr<const OpenDocument>> EngineState::open(const std::string& source, const Sizes& sizes,
                                                              const CancelToken& cancel) {
  const std::int64_t start = nowNs();
  auto document = std::make_shared<OpenDocument>();
  document->source = source;
  if (source.starts_with(kSamplePrefix)) {
    document->name = source.substr(kSamplePrefix.size());
    document->model = TANDEM_TRY(readSample(document->name));
  } else {
    document->path = source;
    document->name = document->path.filename().string();
    document->model = TANDEM_TRY(abandonable<ImportedModel>(
        [path = document->path, cancel] { return readModel(path, cancel); }, cancel, source));
  }
  // Nobody writes to weights, so that programs may share what they make of them.
  for (std::uint32_t i = 0; i < document->model.graph.values().size(); ++i)
    if (Value& value = document->model.graph.value(ValueId(i)); value.isConstant()) value.constant.freeze();
  document->loadMs = toMs(nowNs() - start);
  TANDEM_TRY(applySizes(*document, sizes));
  std::lock_guard lock(m_mutex);
  document->handle = m_nextHandle++;
  m_documents[document->handle] = document;
  return std::shared_ptr<const OpenDocument>(document);
}

Result<std::shared_ptr<const OpenDocument>> EngineState::resize(int handle, const Sizes& sizes) {
  const auto old = TANDEM_TRY(find(handle));
  auto document = std::make_shared<OpenDocument>(*old);
  TANDEM_TRY(applySizes(*document, sizes));
  std::lock_guard lock(m_mutex);
  m_documents[handle] = document;
  return std::shared_ptr<const OpenDocument>(document);
}

Result<std::shared_ptr<const OpenDocument>> EngineState::find(int handle) const {
  std::lock_guard lock(m_mutex);
  auto it = m_documents.find(handle);
  if (it == m_documents.end())
    return makeError(ErrorCode::Usage, "no open model has the number " + std::to_string(handle), {}, "open it again");
  return it->second;
}

void EngineState::close(int handle) {
  std::lock_guard lock(m_mutex);
  m_documents.erase(handle);
}

void EngineState::setActiveRun(std::shared_ptr<ActiveRun> run) {
  std::lock_guard lock(m_mutex);
  m_activeRun = std::move(run);
}

std::shared_ptr<ActiveRun> EngineState::activeRun() const {
  std::lock_guard lock(m_mutex);
  return m_activeRun;
}

} // namespace tandem::session
