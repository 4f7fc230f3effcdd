// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/opencl_program.hpp"

#include <map>

namespace tandem::opencl {

/// Finds the fastest variant of every choice in a segment, where they run: in each round the whole segment is compiled
/// with the next variant of every choice at once and run a few times, and every node's launches are timed by their
/// events, conversions of layouts that the variant needs included. As many rounds as the longest list has variants.
/// At the end the segment as it was and as it is going to be run in turn; the findings are kept only where that does
/// not show a loss. One thread; used once.
class Tuner {
 public:
  Tuner(OpenClDevice& device, std::shared_ptr<const DeviceContext> context, const Segment& segment,
        const ProgramOptions& options, const TuneOptions& tuning)
      : m_device(device),
        m_context(std::move(context)),
        m_segment(segment),
        m_options(options),
        m_tuning(tuning) {}

  /// Fails where the segment cannot run at all, or when cancelled; then nothing is remembered.
  Result<TuneReport> run();

 private:
  struct Found {
    TunedChoice choice;
    std::vector<std::string> variants;
    std::vector<double> microseconds; ///< per variant; infinite where not measured
    std::size_t before = 0, best = 0;
    bool isOpen = false; ///< to be measured
    /// What it tries in a round: the variant taken until now first, then the others, likeliest first.
    std::optional<std::size_t> turn(std::size_t round) const {
      if (!isOpen || round >= variants.size()) return std::nullopt;
      return round == 0 ? before : round <= before ? round - 1 : round;
    }
  };
  using Picks = std::map<std::string, std::size_t, std::less<>>;
  class FixedPolicy;
  class Bench;

  Result<void> listChoices();
  Result<void> playRounds();
  Result<void> playRound(std::size_t round);
  Result<void> measure(const Picks& picks, std::size_t round);
  Result<void> compareWholes();
  void remember();
  Picks picks(std::size_t Found::*which) const;
  bool isOver() const;

  OpenClDevice& m_device;
  std::shared_ptr<const DeviceContext> m_context;
  const Segment& m_segment;
  const ProgramOptions& m_options;
  const TuneOptions& m_tuning;
  std::int64_t m_startNs = 0;
  std::map<std::string, Found, std::less<>> m_found;
  std::vector<std::string> m_order; ///< keys as they were met
  TuneReport m_report;
};

} // namespace tandem::opencl
