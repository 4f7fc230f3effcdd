// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/study.hpp"

#include "engine/metrics/process_memory.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tandem {
namespace {

using Kind = Arrangement::Kind;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

template <class... Args> std::string format(const char* pattern, Args... args) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), pattern, args...);
  return text.data();
}

std::string cellName(const StudyCell& cell) {
  return cell.arrangement.name + ", batch " + std::to_string(cell.batch) + ", " + std::to_string(cell.streams) +
         (cell.streams == 1 ? " stream" : " streams");
}

/// What is collected of a cell round by round.
struct Rounds {
  std::vector<double> p50, p99;
  std::vector<std::vector<double>> serviceMs, busy; ///< by replica
};

class Study {
 public:
  Study(Deployment& deployment, const StudySettings& settings)
      : m_deployment(deployment),
        m_settings(settings),
        m_replicas(deployment.replicas()),
        m_runner(deployment, settings.cancel, settings.snapshot) {}

  Result<StudyOutcome> run() {
    TANDEM_TRY(setUp());
    m_deployment.start();
    std::vector<std::string> names;
    for (const Replica* replica : m_replicas) names.push_back(replica->name());
    std::vector<int> batches;
    for (const RequestData& data : m_settings.data) batches.push_back(data.items);
    m_outcome.cells = studyPlan(names, batches, m_settings.streams);
    std::vector<Rounds> rounds(m_outcome.cells.size());
    const auto count = static_cast<int>(m_outcome.cells.size());
    for (int round = 0; round < m_settings.rounds && !m_runner.cancelled(); ++round) {
      for (int i = 0; i < count && !m_runner.cancelled(); ++i) {
        // Rotated, so that no cell always comes after the same other one, or always last.
        const auto at =
            static_cast<std::size_t>((i + round * std::max(1, count / std::max(1, m_settings.rounds))) % count);
        StudyCell& cell = m_outcome.cells[at];
        if (m_settings.progress) m_settings.progress(round * count + i, m_settings.rounds * count, cellName(cell));
        TANDEM_TRY(measure(cell, rounds[at]));
      }
      m_outcome.roundsDone += !m_runner.cancelled();
    }
    for (std::size_t i = 0; i < rounds.size(); ++i) sumUp(m_outcome.cells[i], rounds[i]);
    judgeAll();
    for (const Deployment::Entry* entry : m_deployment.entries())
      m_outcome.copies.push_back(
          {entry->replica->name(), devicesText(entry->plan), entry->cost, copyCost(m_deployment, *entry->replica)});
    m_outcome.rssBytes = processRssBytes();
    m_outcome.stopped = m_runner.cancelled();
    m_outcome.answers = studyAnswers(m_outcome);
    return std::move(m_outcome);
  }

 private:
  Result<void> setUp() {
    ReplicaSetup setup;
    for (const RequestData& data : m_settings.data) {
      setup.sizes.push_back(data.items);
      setup.warmups.push_back(&data);
    }
    setup.cancel = m_settings.cancel;
    m_runner.report("compile");
    TANDEM_TRY(m_deployment.setUp(setup));
    TANDEM_TRY(requireWithinLimits(m_deployment, m_settings.memoryLimits));
    return {};
  }

  const RequestData& dataOf(int batch) const {
    for (const RequestData& data : m_settings.data)
      if (data.items == batch) return data;
    return m_settings.data.front();
  }

  Result<void> measure(StudyCell& cell, Rounds& rounds) {
    for (Replica* replica : m_replicas) replica->setActiveStreams(cell.streams);
    TANDEM_TRY(m_deployment.useRoute(cell.arrangement.route));
    const auto replicas = static_cast<int>(m_replicas.size());
    PhaseSettings phase;
    phase.name = cellName(cell);
    phase.scenario.kind = cell.arrangement.kind == Kind::One ? Scenario::Kind::SingleStream : Scenario::Kind::Closed;
    // Two for each stream that may work: one runs, one waits.
    phase.scenario.count = 2 * cell.streams * (cell.arrangement.kind == Kind::Together ? replicas : 1);
    phase.load.sizes = {&dataOf(cell.batch)};
    phase.load.seed = m_settings.seed;
    phase.durationS = m_settings.durationS;
    phase.warmupS = m_settings.durationS / 4;
    const PhaseOutcome outcome = m_runner.run(phase);
    if (m_runner.cancelled()) return {};
    cell.roundsPerS.push_back(outcome.itemsPerS);
    cell.requests += outcome.all.completed;
    cell.failed += outcome.all.failed;
    rounds.p50.push_back(outcome.all.latency.p50Ms);
    rounds.p99.push_back(outcome.all.latency.p99Ms);
    rounds.serviceMs.resize(m_replicas.size());
    rounds.busy.resize(m_replicas.size());
    const auto entries = m_deployment.entries();
    for (std::size_t i = 0; i < m_replicas.size(); ++i) {
      for (const auto& part : outcome.replicas)
        if (part.replica == m_replicas[i] && part.serviceMs > 0) rounds.serviceMs[i].push_back(part.serviceMs);
      double busy = 0;
      for (const std::string& id : entries[i]->plan.deviceIds)
        for (const DeviceUse& use : outcome.devices)
          if (use.id == id) busy = std::max(busy, use.busyFraction);
      rounds.busy[i].push_back(busy);
    }
    return {};
  }

  static void sumUp(StudyCell& cell, const Rounds& rounds) {
    if (cell.roundsPerS.empty()) return;
    cell.itemsPerS = median(cell.roundsPerS);
    cell.lowestPerS = *std::min_element(cell.roundsPerS.begin(), cell.roundsPerS.end());
    cell.highestPerS = *std::max_element(cell.roundsPerS.begin(), cell.roundsPerS.end());
    cell.p50Ms = median(rounds.p50);
    cell.p99Ms = median(rounds.p99);
    for (const auto& each : rounds.serviceMs) cell.serviceMs.push_back(median(each));
    for (const auto& each : rounds.busy) cell.busy.push_back(median(each));
  }

  const StudyCell* find(Kind kind, int batch, int streams, int replica = -1) const {
    for (const StudyCell& cell : m_outcome.cells)
      if (cell.arrangement.kind == kind && cell.batch == batch && cell.streams == streams &&
          cell.arrangement.replica == replica && !cell.roundsPerS.empty())
        return &cell;
    return nullptr;
  }

  void judgeAll() {
    if (m_replicas.size() < 2) return;
    for (const StudyCell& cell : m_outcome.cells) {
      if (cell.arrangement.kind != Kind::Together || cell.roundsPerS.empty()) continue;
      VerdictFacts facts;
      facts.togetherItemsPerS = cell.itemsPerS;
      facts.togetherP99Ms = cell.p99Ms;
      const auto entries = m_deployment.entries();
      for (std::size_t i = 0; i < m_replicas.size(); ++i) {
        const StudyCell* alone = find(Kind::Alone, cell.batch, cell.streams, static_cast<int>(i));
        if (!alone) break;
        VerdictPart part;
        part.name = m_replicas[i]->name();
        part.devices = devicesText(entries[i]->plan);
        part.aloneItemsPerS = alone->itemsPerS;
        part.aloneP99Ms = alone->p99Ms;
        part.aloneServiceMs = alone->serviceMs[i];
        part.togetherServiceMs = cell.serviceMs[i];
        part.busyFraction = cell.busy[i];
        part.setupMs = entries[i]->cost.compileMs + entries[i]->cost.warmupMs;
        part.rssBytes = entries[i]->cost.rssBytes;
        for (const DeviceUse& use : copyCost(m_deployment, *m_replicas[i])) part.copyBytes += use.bytes();
        facts.parts.push_back(std::move(part));
      }
      if (facts.parts.size() != m_replicas.size()) continue;
      StudyOutcome::Judgement judgement;
      judgement.batch = cell.batch;
      judgement.streams = cell.streams;
      judgement.together = judge(facts);
      double best = 0;
      for (const VerdictPart& part : facts.parts) best = std::max(best, part.aloneItemsPerS);
      if (const StudyCell* split = find(Kind::Split, cell.batch, cell.streams); split && best > 0)
        judgement.splitGain = split->itemsPerS / best;
      m_outcome.judgements.push_back(std::move(judgement));
    }
  }

  Deployment& m_deployment;
  const StudySettings& m_settings;
  const std::vector<Replica*> m_replicas;
  PhaseRunner m_runner;
  StudyOutcome m_outcome;
};

} // namespace

std::vector<StudyCell> studyPlan(const std::vector<std::string>& replicas, const std::vector<int>& batches,
                                 const std::vector<int>& streams) {
  std::vector<StudyCell> cells;
  const auto add = [&](Arrangement arrangement, int batch, int count) {
    StudyCell& cell = cells.emplace_back();
    cell.arrangement = std::move(arrangement);
    cell.batch = batch;
    cell.streams = count;
  };
  for (int batch : batches) {
    for (std::size_t i = 0; i < replicas.size(); ++i)
      add({Kind::One, "one at a time on " + replicas[i], {Route::Kind::Pinned, 1, 0, replicas[i]}, static_cast<int>(i)},
          batch, 1);
    for (int count : streams) {
      for (std::size_t i = 0; i < replicas.size(); ++i)
        add({Kind::Alone, "alone " + replicas[i], {Route::Kind::Pinned, 1, 0, replicas[i]}, static_cast<int>(i)}, batch,
            count);
      if (replicas.size() < 2) continue;
      add({Kind::Together, "together", {Route::Kind::PredictedFinish}, -1}, batch, count);
      if (batch > 1) add({Kind::Split, "split", {Route::Kind::Split}, -1}, batch, count);
    }
  }
  return cells;
}

std::vector<std::string> studyAnswers(const StudyOutcome& outcome) {
  std::vector<std::string> answers;
  const auto best = [&](auto better, auto counts) -> const StudyCell* {
    const StudyCell* found = nullptr;
    for (const StudyCell& cell : outcome.cells)
      if (!cell.roundsPerS.empty() && counts(cell) && (!found || better(cell, *found))) found = &cell;
    return found;
  };
  const auto faster = [](const StudyCell& a, const StudyCell& b) { return a.itemsPerS > b.itemsPerS; };
  const auto sooner = [](const StudyCell& a, const StudyCell& b) { return a.p50Ms < b.p50Ms; };
  if (const StudyCell* most = best(faster, [](const StudyCell&) { return true; }))
    answers.push_back(format("Most throughput: %s: %.4g items/s, p99 %.4g ms.", cellName(*most).c_str(),
                             most->itemsPerS, most->p99Ms));
  if (const StudyCell* first = best(sooner, [](const StudyCell& cell) { return cell.arrangement.kind == Kind::One; })) {
    std::string others;
    for (const StudyCell& cell : outcome.cells)
      if (cell.arrangement.kind == Kind::One && cell.batch == first->batch && &cell != first &&
          !cell.roundsPerS.empty())
        others += format("; %s takes %.2f times as long", cell.arrangement.name.substr(17).c_str(),
                         cell.p50Ms / first->p50Ms);
    answers.push_back(format("One single prediction: %.4g ms (median) on %s, batch %d", first->p50Ms,
                             first->arrangement.name.substr(17).c_str(), first->batch) +
                      others + ".");
  }
  for (const auto& judgement : outcome.judgements) {
    std::string answer =
        format("Batch %d, %d stream%s: ", judgement.batch, judgement.streams, judgement.streams == 1 ? "" : "s") +
        judgement.together.summary;
    if (judgement.splitGain > 0) answer += format(" Split: %.2f times the best alone.", judgement.splitGain);
    answers.push_back(std::move(answer));
  }
  for (std::size_t i = 1; i < outcome.copies.size(); ++i) {
    const auto& copy = outcome.copies[i];
    std::int64_t bytes = 0, shared = 0;
    for (const DeviceUse& use : copy.uses) {
      bytes += use.bytes();
      shared += use.sharedWeightsBytes;
    }
    constexpr double kMiB = 1 << 20;
    answers.push_back(format("A copy on %s costs %.1f MiB on its devices (%.1f MiB of weights are shared with others), "
                             "%.1f MiB of process memory, and %.0f ms of start-up.",
                             copy.devices.c_str(), static_cast<double>(bytes) / kMiB,
                             static_cast<double>(shared) / kMiB, static_cast<double>(copy.cost.rssBytes) / kMiB,
                             copy.cost.compileMs + copy.cost.warmupMs));
  }
  return answers;
}

Result<StudyOutcome> runStudy(Deployment& deployment, const StudySettings& settings) {
  return Study(deployment, settings).run();
}

} // namespace tandem
