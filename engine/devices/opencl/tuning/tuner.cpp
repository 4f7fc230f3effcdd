// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/tuning/tuner.hpp"

#include "engine/base/clock.hpp"

#include <algorithm>
#include <limits>

namespace tandem::opencl {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::infinity();
/// Another variant is taken only where it is faster by more than what two runs of the same one differ by.
constexpr double kMargin = 0.97;
/// Runs of a round: enough for a minimum that means something, not more than a second of a slow model.
constexpr int kLeastRuns = 4, kMostRuns = 30;
constexpr std::int64_t kRoundNs = 400'000'000;

double medianOf(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

} // namespace

/// The given variants; the first of what it does not know.
class Tuner::FixedPolicy final : public ChoicePolicy {
 public:
  explicit FixedPolicy(Picks picks) : m_picks(std::move(picks)) {}
  std::size_t pick(std::string_view key, std::span<const std::string> variants) override {
    const auto found = m_picks.find(key);
    return found == m_picks.end() ? 0 : std::min(found->second, variants.size() - 1);
  }

 private:
  const Picks m_picks;
};

/// One compiled form of the segment, ready to be timed.
class Tuner::Bench {
 public:
  static Result<Bench> make(OpenClDevice& device, const std::shared_ptr<const DeviceContext>& context,
                            const Segment& segment, const ProgramOptions& options, ChoicePolicy& policy) {
    Bench bench;
    bench.m_program = TANDEM_TRY(OpenClProgram::create(device, context, segment, options, policy));
    std::vector<Buffer*> inputs, outputs;
    bench.m_stream = TANDEM_TRY(OpenClStream::create(device, context));
    for (const auto* list : {&segment.inputs, &segment.outputs})
      for (ValueId value : *list) {
        const auto bytes = static_cast<std::size_t>(segment.graph->value(value).desc.bytes());
        bench.m_buffers.push_back(TANDEM_TRY(device.allocate(std::max<std::size_t>(bytes, 1))));
        (list == &segment.inputs ? inputs : outputs).push_back(bench.m_buffers.back().get());
        const std::vector<unsigned char> zeros(bytes); // indices among the inputs must stay inside their tables
        TANDEM_TRY(bench.m_stream->write(*bench.m_buffers.back(), zeros.data(), bytes));
        TANDEM_TRY(bench.m_stream->finish());
      }
    bench.m_instance = TANDEM_TRY(bench.m_program->instantiate(inputs, outputs));
    bench.m_recorder = std::make_unique<TraceRecorder>();
    bench.m_stream->setTrace(bench.m_recorder.get(), bench.m_recorder->addTrack("kernels"), 0);
    TANDEM_TRY(bench.once());
    return bench;
  }

  const OpenClProgram& program() const { return *m_program; }

  /// Microseconds of every node's launches in one run; nodes without any are left out.
  Result<std::map<NodeId, double>> once() {
    m_recorder->clear();
    // Zeros may be wrong data (a divisor): enqueue() runs without asking the kernels.
    TANDEM_TRY(static_cast<OpenClInstance&>(*m_instance).enqueue(*m_stream));
    TANDEM_TRY(m_stream->finish());
    std::map<NodeId, double> times;
    std::size_t step = 0;
    for (const TraceRecorder::Track& track : m_recorder->copy().tracks)
      for (const TraceEvent& event : track.events) {
        if (event.kind != TraceKind::Kernel || step >= m_program->steps().size()) continue;
        times[m_program->steps()[step++].node] += static_cast<double>(event.endNs - event.startNs) * 1e-3;
      }
    if (step == 0 && !m_program->steps().empty())
      return makeError(ErrorCode::DeviceFailed, "the driver gives no times of kernels", m_program->device().id(),
                       "kernels cannot be tuned with this driver");
    return times;
  }

 private:
  std::shared_ptr<const OpenClProgram> m_program;
  std::vector<std::unique_ptr<Buffer>> m_buffers;
  std::unique_ptr<TraceRecorder> m_recorder;
  std::unique_ptr<OpenClStream> m_stream;
  std::unique_ptr<Instance> m_instance;
};

Result<TuneReport> Tuner::run() {
  m_startNs = nowNs();
  TANDEM_TRY(listChoices());
  TANDEM_TRY(playRounds());
  const bool anyMeasured =
      std::any_of(m_found.begin(), m_found.end(), [](const auto& each) { return each.second.choice.measured; });
  if (anyMeasured) TANDEM_TRY(compareWholes());
  remember();
  m_report.seconds = toMs(nowNs() - m_startNs) * 1e-3;
  return std::move(m_report);
}

bool Tuner::isOver() const { return toMs(nowNs() - m_startNs) * 1e-3 > m_tuning.budgetSeconds; }

Result<void> Tuner::listChoices() {
  DatabasePolicy known(*m_context->tuning);
  const auto program = TANDEM_TRY(OpenClProgram::create(m_device, m_context, m_segment, m_options, known));
  for (const NodeChoice& met : program->choices()) {
    const Choice& choice = met.choice;
    if (choice.variants.size() < 2) continue;
    auto [entry, isNew] = m_found.try_emplace(choice.key);
    Found& found = entry->second;
    found.choice.nodes.push_back(met.node);
    if (!isNew) continue;
    m_order.push_back(choice.key);
    found.choice.key = choice.key;
    found.variants = choice.variants;
    found.microseconds.assign(choice.variants.size(), kUnknown);
    found.before = found.best = choice.picked;
    found.choice.before = choice.variants[choice.picked];
    found.isOpen = m_tuning.again || !m_context->tuning->isMeasured(choice.key);
  }
  return {};
}

Tuner::Picks Tuner::picks(std::size_t Found::*which) const {
  Picks result;
  for (const auto& [key, found] : m_found) result[key] = found.*which;
  return result;
}

Result<void> Tuner::playRounds() {
  std::size_t rounds = 0;
  for (const auto& [key, found] : m_found)
    if (found.isOpen) rounds = std::max(rounds, found.variants.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    TANDEM_TRY(m_tuning.cancel.check());
    if (isOver()) {
      m_report.complete = false;
      return {};
    }
    if (m_tuning.progress)
      m_tuning.progress(static_cast<int>(round), static_cast<int>(rounds),
                        "round " + std::to_string(round + 1) + " of " + std::to_string(rounds) + " on " +
                            m_device.id());
    TANDEM_TRY(playRound(round));
  }
  return {};
}

/// Everything with its variant of that round; where the driver refuses that, one kind of variant after the other.
Result<void> Tuner::playRound(std::size_t round) {
  Picks all = picks(&Found::best);
  std::map<std::string, std::vector<std::string>> keysOf;
  for (const auto& [key, found] : m_found)
    if (const auto turn = found.turn(round)) {
      all[key] = *turn;
      keysOf[found.variants[*turn]].push_back(key);
    }
  const auto together = measure(all, round);
  if (together.ok()) return {};
  TANDEM_TRY(m_tuning.cancel.check());
  if (keysOf.size() == 1) return m_report.problems.push_back(together.error().line()), Result<void>();
  for (const auto& [variant, keys] : keysOf) {
    Picks some = picks(&Found::best);
    for (const std::string& key : keys) some[key] = *m_found.at(key).turn(round);
    const auto alone = measure(some, round);
    TANDEM_TRY(m_tuning.cancel.check());
    if (!alone.ok()) m_report.problems.push_back(variant + ": " + alone.error().line());
  }
  return {};
}

/// Times the segment with `picks`; choices whose turn of this round is among them get its time.
Result<void> Tuner::measure(const Picks& picks, std::size_t round) {
  FixedPolicy policy(picks);
  Bench bench = TANDEM_TRY(Bench::make(m_device, m_context, m_segment, m_options, policy));
  std::map<NodeId, double> best;
  const std::int64_t start = nowNs();
  for (int run = 0; run < kMostRuns && (run < kLeastRuns || nowNs() - start < kRoundNs); ++run) {
    TANDEM_TRY(m_tuning.cancel.check());
    for (const auto& [node, us] : TANDEM_TRY(bench.once())) {
      const auto [entry, isNew] = best.try_emplace(node, us);
      if (!isNew) entry->second = std::min(entry->second, us);
    }
  }
  for (auto& [key, found] : m_found) {
    const auto turn = found.turn(round);
    if (!turn || picks.at(key) != *turn) continue;
    // Nodes of one shape should take the same time: the mean over them is the least noisy figure.
    double sum = 0;
    for (NodeId node : found.choice.nodes) sum += best.contains(node) ? best.at(node) : 0;
    found.microseconds[*turn] = sum / static_cast<double>(found.choice.nodes.size());
    found.choice.measured = true;
    const auto fastest = std::min_element(found.microseconds.begin(), found.microseconds.end());
    if (*fastest < found.microseconds[found.before] * kMargin)
      found.best = static_cast<std::size_t>(fastest - found.microseconds.begin());
  }
  return {};
}

/// A variant that is fast by itself may make its neighbours slow: the whole decides.
Result<void> Tuner::compareWholes() {
  FixedPolicy before(picks(&Found::before)), after(picks(&Found::best));
  Bench old = TANDEM_TRY(Bench::make(m_device, m_context, m_segment, m_options, before));
  Bench tuned = TANDEM_TRY(Bench::make(m_device, m_context, m_segment, m_options, after));
  std::vector<double> oldMs, tunedMs;
  const std::int64_t start = nowNs();
  while (static_cast<int>(oldMs.size()) < kMostRuns &&
         (static_cast<int>(oldMs.size()) < kLeastRuns || nowNs() - start < 2 * kRoundNs)) {
    TANDEM_TRY(m_tuning.cancel.check());
    for (auto [bench, times] : {std::pair{&old, &oldMs}, std::pair{&tuned, &tunedMs}}) {
      double sum = 0;
      for (const auto& [node, us] : TANDEM_TRY(bench->once())) sum += us * 1e-3;
      times->push_back(sum);
    }
  }
  m_report.beforeMs = medianOf(oldMs);
  m_report.afterMs = medianOf(tunedMs);
  if (m_report.afterMs <= m_report.beforeMs) return {};
  for (auto& [key, found] : m_found) found.best = found.before;
  m_report.afterMs = m_report.beforeMs;
  return {};
}

void Tuner::remember() {
  TuningDatabase& database = *m_context->tuning;
  for (const std::string& key : m_order) {
    Found& found = m_found.at(key);
    TunedChoice& choice = found.choice;
    choice.after = found.variants[found.best];
    for (std::size_t i = 0; i < found.variants.size(); ++i)
      if (found.microseconds[i] != kUnknown) choice.timings.emplace_back(found.variants[i], found.microseconds[i]);
    if (choice.measured) {
      const auto us = [&](std::size_t i) { return found.microseconds[i] == kUnknown ? 0 : found.microseconds[i]; };
      choice.beforeUs = us(found.before);
      choice.afterUs = us(found.best);
      database.store(key, {choice.after, choice.afterUs});
    }
    m_report.choices.push_back(std::move(choice));
  }
  if (!database.save()) m_report.problems.push_back("the findings could not be written; they hold in this process");
}

} // namespace tandem::opencl
