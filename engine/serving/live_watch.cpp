// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/live_watch.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

namespace tandem {
namespace {

constexpr std::size_t kSamples = 9; // what medians are taken of: one that is off does not matter
constexpr std::size_t kLeastSamples = 3;

std::string milliseconds(double ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g ms", ms);
  return text;
}

double medianOf(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

} // namespace

LiveWatch::LiveWatch(LiveSubject subject, const LiveOptions& options)
    : m_subject(std::move(subject)),
      m_hysteresis(options.margin, options.inARow),
      m_factors(m_subject.devices.size(), 1),
      m_unseen(m_subject.devices.size()) {}

void LiveWatch::learn(int items, const std::vector<TraceEvent>& events) {
  if (items != m_subject.items) return;
  Sample sample{std::vector<double>(m_subject.devices.size()), 0};
  for (const TraceEvent& event : events) {
    const double ms = static_cast<double>(event.endNs - event.startNs) * 1e-6;
    if (event.kind == TraceKind::Transfer) sample.transferMs += ms;
    if (event.kind != TraceKind::Kernel || event.node.index() >= m_subject.unitOf.size()) continue;
    const int unit = m_subject.unitOf[event.node.index()];
    if (unit < 0) continue;
    sample.kernelMs[static_cast<std::size_t>(m_subject.deviceOf[static_cast<std::size_t>(unit)])] += ms;
  }
  m_samples.push_back(std::move(sample));
  if (m_samples.size() > kSamples) m_samples.pop_front();
  ++m_fresh;
}

/// How much slower devices and copies are than alone.
void LiveWatch::follow() {
  const ReplanProblem& problem = m_subject.problem;
  std::vector<double> alone(m_factors.size());
  double kernelMs = 0;
  for (std::size_t unit = 0; unit < problem.units.size(); ++unit) {
    const auto device = static_cast<std::size_t>(m_subject.deviceOf[unit]);
    const double ms = std::max(0.0, problem.units[unit].ms[device]);
    alone[device] += ms;
    kernelMs += ms;
  }
  const auto median = [&](auto&& part) {
    std::vector<double> values;
    for (const Sample& sample : m_samples) values.push_back(part(sample));
    return medianOf(std::move(values));
  };
  for (std::size_t d = 0; d < m_factors.size(); ++d) {
    const double ms = median([&](const Sample& sample) { return sample.kernelMs[d]; });
    if (alone[d] > 0 && ms > 0) {
      m_factors[d] = ms / alone[d];
      m_unseen[d] = 0;
      continue;
    }
    // What has nothing to do is not measured, and would never get anything again, however fast it has become.
    constexpr int kForget = 20;
    if (m_factors[d] <= 1 || ++m_unseen[d] < kForget * m_hysteresis.needed()) continue;
    m_factors[d] = 1;
    m_unseen[d] = 0;
  }
  ReplanProblem copiesOnly = problem;
  copiesOnly.handOverMs = 0;
  const double copies = costOf(copiesOnly, m_subject.deviceOf).latencyMs - kernelMs;
  const double copiesNow = median([](const Sample& sample) { return sample.transferMs; });
  constexpr double kLeast = 1e-6; // of the kernels: what is left of a difference is no copy
  if (copies > kLeast * kernelMs) m_transferFactor = copiesNow / copies;
}

ReplanProblem LiveWatch::scaled() const {
  ReplanProblem problem = m_subject.problem;
  for (ReplanUnit& unit : problem.units)
    for (std::size_t d = 0; d < m_factors.size(); ++d) unit.ms[d] *= m_factors[d];
  for (ReplanTensor& tensor : problem.tensors)
    for (double& ms : tensor.ms) ms *= m_transferFactor;
  return problem;
}

/// "12 layers of `split` from GPU:0 to CPU:0 and 1 layer from ..."
std::string LiveWatch::movedText(const std::vector<int>& deviceOf) const {
  std::map<std::pair<int, int>, int> counts;
  for (std::size_t unit = 0; unit < deviceOf.size(); ++unit)
    if (deviceOf[unit] != m_subject.deviceOf[unit])
      counts[{m_subject.deviceOf[unit], deviceOf[unit]}] += m_subject.problem.units[unit].layers;
  std::string text;
  for (const auto& [way, layers] : counts) {
    text += text.empty() ? "" : " and ";
    text += std::to_string(layers) + (layers == 1 ? " layer" : " layers");
    if (way == counts.begin()->first) text += " of `" + m_subject.name + "`";
    text += " from " + m_subject.devices[static_cast<std::size_t>(way.first)] + " to " +
            m_subject.devices[static_cast<std::size_t>(way.second)];
  }
  return text;
}

/// What has changed since the times were measured: "; GPU:0 takes 98.5 times as long as alone".
std::string LiveWatch::reason() const {
  constexpr double kMuch = 1.2;
  std::string text;
  for (std::size_t d = 0; d < m_factors.size(); ++d) {
    if (m_factors[d] < kMuch && m_factors[d] > 1 / kMuch) continue;
    char factor[64];
    std::snprintf(factor, sizeof factor, " takes %.3g times as long as alone", m_factors[d]);
    text += (text.empty() ? "; " : ", ") + m_subject.devices[d] + factor;
  }
  return text;
}

LiveWatch::Step LiveWatch::tick() {
  Step step;
  if (m_fresh == 0 || m_samples.size() < kLeastSamples) {
    constexpr int kLong = 10;
    if (m_fresh == 0 && ++m_silent == kLong && !std::exchange(m_saidSilent, true))
      step.note = "`" + m_subject.name + "` stays as it is: no execution of " + std::to_string(m_subject.items) +
                  (m_subject.items == 1 ? " item" : " items") + ", which its layers were measured with, comes along";
    return step;
  }
  m_fresh = m_silent = 0;
  follow();
  const ReplanProblem problem = scaled();
  const double now = costOf(problem, m_subject.deviceOf).of(m_subject.goal);
  double predicted = now;
  std::vector<int> best = m_subject.deviceOf;
  if (!m_hysteresis.isChecking()) {
    best = replan(problem, m_subject.goal, m_subject.deviceOf);
    predicted = costOf(problem, best).of(m_subject.goal);
  }
  const std::string goal = m_subject.goal == ReplanGoal::Latency ? "" : " on the busiest device";
  switch (m_hysteresis.tick(now, predicted)) {
  case Hysteresis::Step::Wait: break;
  case Hysteresis::Step::TooLittle:
    if (!std::exchange(m_saidTooLittle, true))
      step.note = "`" + m_subject.name + "` stays as it is: moving " + movedText(best) + " is predicted to give " +
                  milliseconds(predicted) + " instead of " + milliseconds(now) + goal + ", within the margin of " +
                  m_hysteresis.marginText();
    break;
  case Hysteresis::Step::Kept:
    step.note = "the move of `" + m_subject.name + "` paid: measured " + milliseconds(now) + ", " +
                milliseconds(m_hysteresis.before()) + " before" + goal;
    break;
  case Hysteresis::Step::Change:
    step.kind = Step::Kind::Move;
    step.text = "moved " + movedText(best) + ": predicted " + milliseconds(predicted) + " instead of " +
                milliseconds(now) + goal + ", margin " + m_hysteresis.marginText() + reason();
    step.deviceOf = std::move(best);
    break;
  case Hysteresis::Step::Back:
    step.kind = Step::Kind::Back;
    step.deviceOf = m_previous;
    step.text = "took back " + movedText(m_previous) + ": measured " + milliseconds(now) + ", " +
                milliseconds(m_hysteresis.before()) + " before the move" + goal + "; the next one must look better " +
                std::to_string(m_hysteresis.needed()) + " times in a row";
    break;
  }
  return step;
}

void LiveWatch::done(const Step& step) {
  m_previous = std::exchange(m_subject.deviceOf, step.deviceOf);
  m_samples.clear();
  m_fresh = 0;
  if (step.kind == Step::Kind::Move) m_hysteresis.changed();
}

void LiveWatch::failed() { m_hysteresis.failed(); }

} // namespace tandem
