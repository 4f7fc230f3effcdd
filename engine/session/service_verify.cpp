// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/tensor_pb.hpp"
#include "engine/runtime/executable.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "engine/session/host_threads.hpp"
#include "engine/session/service.hpp"
#include "engine/session/verify_cases.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

namespace tandem::session {
namespace {

struct Comparison {
  bool same = true;
  double maxAbs = 0, maxRel = 0;
  std::string problem;
};

bool close(double got, double want, const Tolerance& limits, Comparison& comparison) {
  if (std::isnan(got) && std::isnan(want)) return true;
  if (got == want) return true; // equal infinities too
  const double difference = std::abs(got - want);
  if (std::isfinite(difference)) {
    comparison.maxAbs = std::max(comparison.maxAbs, difference);
    if (want != 0) comparison.maxRel = std::max(comparison.maxRel, difference / std::abs(want));
  }
  return difference <= limits.atol + limits.rtol * std::abs(want);
}

void compare(const Tensor& got, const Tensor& want, const std::string& name, const VerifyCase& each,
             Comparison& comparison) {
  if (got.desc() != want.desc()) {
    comparison.same = false;
    comparison.problem = name + " is " + got.desc().toString() + ", expected " + want.desc().toString();
    return;
  }
  const bool exact = !isFloating(want.type());
  const Tolerance usual = toleranceFor(want.type());
  const Tolerance limits{each.rtol.value_or(usual.rtol), each.atol.value_or(usual.atol)};
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < want.elements(); ++i) {
    const bool fits =
        exact ? got.asInt(i) == want.asInt(i) : close(got.asDouble(i), want.asDouble(i), limits, comparison);
    if (!fits) ++wrong;
  }
  if (wrong == 0) return;
  comparison.same = false;
  comparison.problem =
      std::to_string(wrong) + " of " + std::to_string(want.elements()) + " elements of " + name + " differ";
}

Result<std::vector<Tensor>> readNumbered(const std::filesystem::path& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (int i = 0;; ++i) {
    const std::filesystem::path file = folder / (prefix + std::to_string(i) + ".pb");
    if (!std::filesystem::exists(file)) return tensors;
    tensors.push_back(TANDEM_TRY(readTensorPb(file)));
  }
}

struct Ran {
  Comparison comparison;
  std::string summary;
  int nodes = 0;       ///< that compute: constants do not
  int nativeNodes = 0; ///< of them, those that run where they were asked to
  Json moved = Json::array();
  std::set<std::string> referenceOps; ///< operators that plain loops computed
};

/// Which nodes of a case ran where the placement asks, and why the others did not.
void noteMoves(const PlacedGraph& placed, Ran& ran) {
  const Graph& graph = placed.bound.graph;
  for (std::uint32_t n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.node(NodeId(n));
    if (graph.isDead(NodeId(n)) || (node.type == "Constant" && node.domain.empty())) continue;
    ++ran.nodes;
    const EffectivePlacement& effective = placed.effective;
    if (effective.reason[n] == MoveReason::None) {
      ++ran.nativeNodes;
      continue;
    }
    ran.moved.push_back({{"name", node.name},
                         {"op", node.type},
                         {"effective", effective.effective[n]},
                         {"reason", toString(effective.reason[n])},
                         {"detail", effective.detail[n]}});
  }
}

/// `threads` per kernel on native CPUs, 0 = all of the device.
Result<Ran> runCase(const Job& job, const VerifyCase& each, const OpenDocument& document,
                    const DeviceRegistry& registry, int threads) {
  TANDEM_TRY(requireRunnable(document));
  const std::vector<Tensor> inputs = TANDEM_TRY(readNumbered(each.dataSet, "input_"));
  const std::vector<Tensor> expected = TANDEM_TRY(readNumbered(each.dataSet, "output_"));
  const Placement placement = TANDEM_TRY(placementOf(job.params, registry));
  BoundGraph bound = TANDEM_TRY(bindTensors(document.graph(), inputs));
  PlacedGraph placed = TANDEM_TRY(place(std::move(bound), placement, registry, job.params.value("strict", false)));
  Ran ran;
  noteMoves(placed, ran);

  CompileOptions options;
  options.compiled = job.params.value("mode", std::string("compiled")) != "eager";
  options.threads = threads;
  options.cancel = job.cancel;
  options.hostCores = hostCoresFor(registry, placed.deviceOf);
  auto executable =
      TANDEM_TRY(Executable::compile(std::move(placed.bound), std::move(placed.deviceOf), registry.host(), options));
  TANDEM_TRY(requireWithinLimits(*executable, registry));
  for (const KernelUse& use : executable->kernels())
    if (use.isReference)
      for (NodeId node : use.openedNodes) ran.referenceOps.insert(document.graph().node(node).type);
  auto slot = TANDEM_TRY(executable->createSlot());
  slot->attachCurrentThread();
  TANDEM_TRY(slot->setInputs(inputs));
  TANDEM_TRY(slot->run(job.cancel));
  if (auto same = requireUnchanged(document); !same) {
    Error error = same.error();
    error.code = ErrorCode::Mismatch; // it ran, on other weights: not what the model lacks, but a failure
    return error;
  }

  ran.summary = placed.effective.summary;
  if (expected.size() > slot->outputCount())
    return makeError(ErrorCode::InputRejected, "the case expects more outputs than the model has", each.name, {});
  for (std::size_t i = 0; i < expected.size() && ran.comparison.same; ++i)
    compare(slot->output(i), expected[i], document.graph().value(document.graph().outputs()[i]).name, each,
            ran.comparison);
  return ran;
}

/// Cases of one model, which is opened once for all of them.
struct Group {
  std::size_t first = 0, count = 0;
  bool small = false;
};

std::vector<Group> groupsOf(const std::vector<VerifyCase>& cases) {
  constexpr std::uintmax_t kSmallBytes = 1 << 18;
  std::vector<Group> groups;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!groups.empty() && cases[i].model == cases[groups.back().first].model) {
      ++groups.back().count;
      continue;
    }
    std::error_code problem;
    const std::uintmax_t bytes = std::filesystem::file_size(cases[i].model, problem);
    groups.push_back({i, 1, !problem && bytes < kSmallBytes});
  }
  return groups;
}

/// Runs all cases: small models side by side, each on one thread, then large ones one by one on all processors.
class CaseRunner {
 public:
  CaseRunner(const Job& job, const DeviceRegistry& registry, const std::vector<VerifyCase>& cases)
      : m_job(job),
        m_registry(registry),
        m_cases(cases),
        m_groups(groupsOf(cases)),
        m_results(cases.size()) {}

  /// One result per case; undefined where cancelled.
  const std::vector<std::optional<Result<Ran>>>& run() {
    const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::min(processors, kMaxWorkers); ++i) threads.emplace_back([this] { work(true, 1); });
    for (std::thread& thread : threads) thread.join();
    m_next = 0;
    work(false, 0);
    return m_results;
  }

 private:
  static constexpr unsigned kMaxWorkers = 8;

  void work(bool small, int kernelThreads) {
    for (;;) {
      const std::size_t next = m_next.fetch_add(1);
      if (next >= m_groups.size()) return;
      if (m_groups[next].small == small) runGroup(m_groups[next], kernelThreads);
    }
  }

  void runGroup(const Group& group, int kernelThreads) {
    if (m_job.cancel.cancelled()) return;
    const VerifyCase& first = m_cases[group.first];
    auto document = m_job.state.open(first.model.string(), {}, m_job.cancel);
    if (document) m_job.state.close((*document)->handle);
    for (std::size_t i = group.first; i < group.first + group.count; ++i) {
      if (m_job.cancel.cancelled()) return;
      {
        std::lock_guard lock(m_mutex);
        m_job.progress(m_done++, static_cast<std::int64_t>(m_cases.size()), m_cases[i].name);
      }
      m_results[i] = document ? guarded(m_cases[i], **document, kernelThreads) : Result<Ran>(document.error());
    }
  }

  /// Nothing may leave a thread of ours but a result.
  Result<Ran> guarded(const VerifyCase& each, const OpenDocument& document, int kernelThreads) const {
    try {
      return runCase(m_job, each, document, m_registry, kernelThreads);
    } catch (const std::exception& problem) {
      return makeError(ErrorCode::Internal, std::string("unexpected failure: ") + problem.what(), each.name,
                       "please report this");
    }
  }

  const Job& m_job;
  const DeviceRegistry& m_registry;
  const std::vector<VerifyCase>& m_cases;
  std::vector<Group> m_groups;
  std::vector<std::optional<Result<Ran>>> m_results;
  std::atomic<std::size_t> m_next{0};
  std::mutex m_mutex;
  std::int64_t m_done = 0;
};

std::string_view statusOf(const Result<Ran>& ran) {
  if (ran) return ran->comparison.same ? "passed" : "failed";
  const ErrorCode code = ran.error().code;
  return code == ErrorCode::Unsupported || code == ErrorCode::ModelRejected ? "unsupported" : "failed";
}

Json encodeCase(const VerifyCase& each, const Result<Ran>& ran) {
  Json entry{{"name", each.name}, {"status", statusOf(ran)}};
  if (each.tier > 0) entry["tier"] = each.tier;
  entry["max_abs_error"] = ran ? ran->comparison.maxAbs : 0.0;
  entry["max_rel_error"] = ran ? ran->comparison.maxRel : 0.0;
  entry["reason"] = ran ? ran->comparison.problem : ran.error().line();
  entry["summary"] = ran ? ran->summary : "";
  if (ran) {
    entry["nodes"] = ran->nodes;
    entry["native_nodes"] = ran->nativeNodes;
    entry["moved"] = ran->moved;
    if (!ran->referenceOps.empty()) entry["reference_ops"] = ran->referenceOps;
  }
  return entry;
}

/// {"passed","failed","unsupported","nodes","native_nodes"} of some cases.
struct Tally {
  std::map<std::string_view, int> status;
  int nodes = 0, nativeNodes = 0;

  void add(const Result<Ran>& ran) {
    ++status[statusOf(ran)];
    if (!ran) return;
    nodes += ran->nodes;
    nativeNodes += ran->nativeNodes;
  }
  Json encode() const {
    auto count = [&](std::string_view key) {
      auto it = status.find(key);
      return it == status.end() ? 0 : it->second;
    };
    return {{"passed", count("passed")},
            {"failed", count("failed")},
            {"unsupported", count("unsupported")},
            {"nodes", nodes},
            {"native_nodes", nativeNodes}};
  }
};

} // namespace

Result<Json> verifyCases(const Job& job) {
  const auto registry = job.state.registry();
  std::vector<VerifyCase> cases;
  for (const Json& folder : job.params.at("dirs")) {
    auto found = TANDEM_TRY(findCases(folder.get<std::string>()));
    cases.insert(cases.end(), found.begin(), found.end());
  }
  TANDEM_TRY(placementOf(job.params, *registry)); // a wrong device fails once, not once per case
  for (VerifyCase& each : cases) {
    if (job.params.contains("rtol") && !job.params["rtol"].is_null()) each.rtol = job.params["rtol"].get<double>();
    if (job.params.contains("atol") && !job.params["atol"].is_null()) each.atol = job.params["atol"].get<double>();
  }

  CaseRunner runner(job, *registry, cases);
  const auto& results = runner.run();
  TANDEM_TRY(job.cancel.check());
  Tally all;
  std::map<int, Tally> tiers;
  Json list = Json::array();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Result<Ran>& ran = *results[i];
    if (!ran && ran.error().code == ErrorCode::Cancelled) return ran.error();
    all.add(ran);
    if (cases[i].tier > 0) tiers[cases[i].tier].add(ran);
    list.push_back(encodeCase(cases[i], ran));
  }
  Json json = all.encode();
  if (!tiers.empty())
    for (const auto& [tier, tally] : tiers) json["tiers"][std::to_string(tier)] = tally.encode();
  json["cases"] = std::move(list);
  return json;
}

} // namespace tandem::session
