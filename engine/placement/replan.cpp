// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/replan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tandem {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// A placement and what it costs, kept up to date while units move.
class Balance {
 public:
  Balance(const ReplanProblem& problem, std::vector<int> deviceOf)
      : m_problem(problem),
        m_deviceOf(std::move(deviceOf)),
        m_touching(problem.units.size()),
        m_isReader(at(problem.devices)) {
    m_cost.loadMs.resize(at(problem.devices));
    for (std::size_t t = 0; t < problem.tensors.size(); ++t) {
      const ReplanTensor& tensor = problem.tensors[t];
      if (tensor.producer >= 0) m_touching[at(tensor.producer)].push_back(t);
      for (int reader : tensor.readers) m_touching[at(reader)].push_back(t);
      count(tensor, 1);
    }
    for (std::size_t unit = 0; unit < problem.units.size(); ++unit) count(unit, 1);
  }

  void move(std::size_t unit, int device) {
    if (m_deviceOf[unit] == device) return;
    count(unit, -1);
    for (std::size_t t : m_touching[unit]) count(m_problem.tensors[t], -1);
    m_deviceOf[unit] = device;
    for (std::size_t t : m_touching[unit]) count(m_problem.tensors[t], 1);
    count(unit, 1);
  }
  bool mayMove(std::size_t unit, int device) const { return m_problem.units[unit].ms[at(device)] >= 0; }
  const std::vector<int>& deviceOf() const { return m_deviceOf; }
  const ReplanCost& cost() const { return m_cost; }
  /// What moves are judged by. Among placements whose busiest device has as much to do, that with less in all is
  /// better: it leads to moves that help together only.
  double score(ReplanGoal goal) const {
    constexpr double kAll = 1e-3;
    return m_cost.of(goal) + (goal == ReplanGoal::Throughput ? kAll * m_cost.latencyMs : 0);
  }

 private:
  void count(std::size_t unit, int sign) {
    const double ms = sign * std::max(0.0, m_problem.units[unit].ms[at(m_deviceOf[unit])]);
    m_cost.latencyMs += ms;
    m_cost.loadMs[at(m_deviceOf[unit])] += ms;
  }
  /// As crossDeviceTransfers(): once per destination, and one copy in host memory serves every native CPU device.
  void count(const ReplanTensor& tensor, int sign) {
    const int from = tensor.producer < 0 ? m_problem.host : m_deviceOf[at(tensor.producer)];
    std::fill(m_isReader.begin(), m_isReader.end(), false);
    for (int reader : tensor.readers) m_isReader[at(m_deviceOf[at(reader)])] = true;
    if (tensor.toHost) m_isReader[at(m_problem.host)] = true;
    bool isOnHost = m_problem.hostMemory[at(from)];
    for (int to = 0; to < m_problem.devices; ++to) {
      if (!m_isReader[at(to)] || to == from) continue;
      m_cost.latencyMs += sign * m_problem.handOverMs;
      if (m_problem.hostMemory[at(to)] && std::exchange(isOnHost, true)) continue;
      const double ms = sign * tensor.ms[at(from * m_problem.devices + to)];
      m_cost.latencyMs += ms;
      for (int device : {from, to})
        if (!m_problem.hostMemory[at(device)]) m_cost.loadMs[at(device)] += ms;
    }
  }

  const ReplanProblem& m_problem;
  std::vector<int> m_deviceOf;
  std::vector<std::vector<std::size_t>> m_touching; ///< tensors, by unit
  std::vector<bool> m_isReader;
  ReplanCost m_cost;
};

/// What the dynamic programmes see: copies at every place between two units, and of model inputs and outputs.
struct Line {
  std::vector<std::vector<double>> cutMs; ///< before unit i, from p to q at p * devices + q: all tensors that live on
  std::vector<std::vector<double>> ownMs; ///< of unit i on device d: itself, its model inputs and outputs; kNever
};

Line lineOf(const ReplanProblem& problem) {
  const std::size_t count = problem.units.size(), pairs = at(problem.devices * problem.devices);
  Line line{std::vector(count + 1, std::vector<double>(pairs)), {}};
  for (const ReplanUnit& unit : problem.units) {
    std::vector<double>& own = line.ownMs.emplace_back(unit.ms);
    std::replace_if(
        own.begin(), own.end(), [](double ms) { return ms < 0; }, kNever);
  }
  const auto copyMs = [&](const ReplanTensor& tensor, int from, int to) {
    return tensor.ms[at(from * problem.devices + to)];
  };
  for (const ReplanTensor& tensor : problem.tensors) {
    int last = tensor.producer;
    for (int reader : tensor.readers) last = std::max(last, reader);
    if (last < 0) continue;
    for (int d = 0; d < problem.devices; ++d) {
      if (tensor.producer >= 0 && tensor.toHost)
        line.ownMs[at(tensor.producer)][at(d)] += copyMs(tensor, d, problem.host);
      if (tensor.producer < 0 && !tensor.readers.empty())
        line.ownMs[at(*std::min_element(tensor.readers.begin(), tensor.readers.end()))][at(d)] +=
            copyMs(tensor, problem.host, d);
    }
    if (tensor.producer < 0 || last == tensor.producer) continue;
    // Differences now, sums below: every place from behind the producer to before the last reader.
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      line.cutMs[at(tensor.producer + 1)][pair] += tensor.ms[pair];
      line.cutMs[at(last + 1)][pair] -= tensor.ms[pair];
    }
  }
  for (std::size_t i = 1; i <= count; ++i)
    for (std::size_t pair = 0; pair < pairs; ++pair) line.cutMs[i][pair] += line.cutMs[i - 1][pair];
  return line;
}

/// The least sum over (position, device); empty where some unit can run nowhere.
std::vector<int> leastSum(const ReplanProblem& problem, const Line& line) {
  const std::size_t count = problem.units.size(), devices = at(problem.devices);
  std::vector best(count, std::vector<double>(devices, kNever));
  std::vector before(count, std::vector<int>(devices, 0));
  best[0] = line.ownMs[0];
  for (std::size_t i = 1; i < count; ++i)
    for (std::size_t d = 0; d < devices; ++d)
      for (std::size_t p = 0; p < devices; ++p) {
        const double cut = p == d ? 0 : problem.handOverMs + line.cutMs[i][p * devices + d];
        const double ms = best[i - 1][p] + cut + line.ownMs[i][d];
        if (ms >= best[i][d]) continue;
        best[i][d] = ms;
        before[i][d] = static_cast<int>(p);
      }
  const auto end = std::min_element(best[count - 1].begin(), best[count - 1].end());
  if (*end == kNever) return {};
  std::vector<int> deviceOf(count);
  deviceOf[count - 1] = static_cast<int>(end - best[count - 1].begin());
  for (std::size_t i = count - 1; i > 0; --i) deviceOf[i - 1] = before[i][at(deviceOf[i])];
  return deviceOf;
}

/// `device` where the unit can run there, else where it is.
int placeOf(const ReplanProblem& problem, const std::vector<int>& start, std::size_t unit, int device) {
  return problem.units[unit].ms[at(device)] >= 0 ? device : start[unit];
}

/// Places at which a long line is cut: those over which least has to be copied.
std::vector<std::size_t> cutPlaces(const Line& line) {
  constexpr std::size_t kMost = 240;
  std::vector<std::pair<double, std::size_t>> places;
  for (std::size_t i = 1; i + 1 < line.cutMs.size(); ++i) {
    double sum = 0;
    for (double ms : line.cutMs[i]) sum += ms;
    places.emplace_back(sum, i);
  }
  std::stable_sort(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (places.size() > kMost) places.resize(kMost);
  std::vector<std::size_t> result;
  for (const auto& place : places) result.push_back(place.second);
  std::sort(result.begin(), result.end());
  return result;
}

/// The least largest load with at most two changes of the device along the line: device a before `first`, b up to
/// `second`, c from there on.
std::vector<int> leastLoad(const ReplanProblem& problem, const Line& line, const std::vector<int>& start) {
  const std::size_t count = problem.units.size();
  const int devices = problem.devices;
  // sum[d * devices + e][i]: what device e has to do where the units before i are wanted on d.
  std::vector sum(at(devices * devices), std::vector<double>(count + 1));
  for (std::size_t i = 0; i < count; ++i)
    for (int d = 0; d < devices; ++d) {
      const int place = placeOf(problem, start, i, d);
      for (int e = 0; e < devices; ++e) {
        std::vector<double>& row = sum[at(d * devices + e)];
        row[i + 1] = row[i] + (e == place && line.ownMs[i][at(e)] != kNever ? line.ownMs[i][at(e)] : 0);
      }
    }
  std::vector<std::size_t> places = cutPlaces(line);
  places.push_back(count); // no change at all, or one
  double best = kNever;
  std::size_t bestFirst = count, bestSecond = count;
  int bestA = 0, bestB = 0, bestC = 0;
  const auto cut = [&](std::size_t place, int from, int to) {
    return place < count ? line.cutMs[place][at(from * devices + to)] : 0;
  };
  const auto load = [&](std::size_t first, std::size_t second, int a, int b, int c) {
    double most = 0;
    for (int e = 0; e < devices; ++e) {
      const auto part = [&](int d, std::size_t from, std::size_t to) {
        const std::vector<double>& row = sum[at(d * devices + e)];
        return row[to] - row[from];
      };
      double ms = part(a, 0, first) + part(b, first, second) + part(c, second, count);
      if (!problem.hostMemory[at(e)]) {
        if (e == a || e == b) ms += cut(first, a, b);
        if (e == b || e == c) ms += cut(second, b, c);
      }
      most = std::max(most, ms);
    }
    return most;
  };
  for (std::size_t i = 0; i < places.size(); ++i)
    for (std::size_t j = i; j < places.size(); ++j)
      for (int a = 0; a < devices; ++a)
        for (int b = 0; b < devices; ++b)
          for (int c = 0; c < devices; ++c) {
            if ((b == a && places[i] < count) || (c == b && places[j] < count)) continue;
            const double ms = load(places[i], places[j], a, b, c);
            if (ms >= best) continue;
            best = ms;
            bestFirst = places[i], bestSecond = places[j];
            bestA = a, bestB = b, bestC = c;
          }
  std::vector<int> deviceOf(count);
  for (std::size_t i = 0; i < count; ++i)
    deviceOf[i] = placeOf(problem, start, i, i < bestFirst ? bestA : i < bestSecond ? bestB : bestC);
  return deviceOf;
}

/// Tries to put units from..to on `device`; keeps it where that helps.
bool tryMove(Balance& balance, ReplanGoal goal, std::size_t from, std::size_t to, int device) {
  constexpr double kLeast = 1e-9; // of what it was: sums of differences are not exact
  const double before = balance.score(goal);
  std::vector<std::pair<std::size_t, int>> old;
  for (std::size_t unit = from; unit < to; ++unit) {
    if (balance.deviceOf()[unit] == device || !balance.mayMove(unit, device)) continue;
    old.emplace_back(unit, balance.deviceOf()[unit]);
    balance.move(unit, device);
  }
  if (balance.score(goal) < before - kLeast * before) return true;
  for (const auto& [unit, was] : old) balance.move(unit, was);
  return false;
}

void improve(Balance& balance, const ReplanProblem& problem, ReplanGoal goal) {
  constexpr int kMostRounds = 20;
  constexpr std::size_t kBorder = 8; // units on either side of a border
  const std::size_t count = problem.units.size();
  bool moved = true;
  for (int round = 0; moved && round < kMostRounds; ++round) {
    moved = false;
    for (std::size_t unit = 0; unit < count; ++unit)
      for (int d = 0; d < problem.devices; ++d) moved = tryMove(balance, goal, unit, unit + 1, d) || moved;
    for (std::size_t from = 0, to = 0; from < count; from = to) {
      for (to = from + 1; to < count && balance.deviceOf()[to] == balance.deviceOf()[from];) ++to;
      for (int d = 0; d < problem.devices; ++d) moved = tryMove(balance, goal, from, to, d) || moved;
      if (to == count) break;
      const int left = balance.deviceOf()[from], right = balance.deviceOf()[to];
      for (std::size_t length = 2; length <= kBorder; ++length) {
        if (to + length <= count) moved = tryMove(balance, goal, to, to + length, left) || moved;
        if (to >= length) moved = tryMove(balance, goal, to - length, to, right) || moved;
      }
    }
  }
}

} // namespace

double ReplanCost::of(ReplanGoal goal) const {
  if (goal == ReplanGoal::Latency || loadMs.empty()) return latencyMs;
  return *std::max_element(loadMs.begin(), loadMs.end());
}

ReplanCost costOf(const ReplanProblem& problem, const std::vector<int>& deviceOf) {
  return Balance(problem, deviceOf).cost();
}

std::vector<int> replan(const ReplanProblem& problem, ReplanGoal goal, const std::vector<int>& start) {
  const std::size_t count = problem.units.size();
  if (count == 0) return {};
  const Line line = lineOf(problem);
  std::vector<std::vector<int>> starts{start};
  if (std::vector<int> made = leastSum(problem, line); !made.empty()) starts.push_back(std::move(made));
  if (goal == ReplanGoal::Throughput) starts.push_back(leastLoad(problem, line, start));
  for (int d = 0; d < problem.devices; ++d) {
    std::vector<int>& alone = starts.emplace_back();
    for (std::size_t i = 0; i < count; ++i) alone.push_back(placeOf(problem, start, i, d));
  }
  std::vector<int> best = start;
  double least = costOf(problem, start).of(goal);
  for (std::vector<int>& each : starts) {
    Balance balance(problem, std::move(each));
    improve(balance, problem, goal);
    const double ms = costOf(problem, balance.deviceOf()).of(goal);
    if (ms >= least) continue;
    least = ms;
    best = balance.deviceOf();
  }
  return best;
}

} // namespace tandem
