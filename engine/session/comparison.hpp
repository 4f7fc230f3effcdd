// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/codec.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tandem::session {

/// One figure of two reports.
struct ComparedFigure {
  enum class Outcome {
    Better,      ///< B is better, by more than the noise within the runs
    Worse,       ///< B is worse by more than that
    WithinNoise, ///< the runs do not tell
    Unknown,     ///< no statement: `why` says what is missing
  };
  std::string name; ///< "items_per_s", "latency p50", ...
  std::string unit; ///< "/s", "ms" or "bytes"
  double a = 0, b = 0;
  double ratio = 0;                ///< b / a; 0 where a is 0
  std::optional<double> low, high; ///< 95 % confidence interval of `ratio`
  bool moreIsBetter = false;
  Outcome outcome = Outcome::Unknown;
  std::string why;
};

/// A setting, device or version that is not the same in both.
struct ComparedSetting {
  std::string name, a, b;
};

struct Comparison {
  std::string summary; ///< one sentence
  std::vector<ComparedFigure> figures;
  std::vector<ComparedSetting> settings; ///< those that differ
  std::vector<std::string> notes;
};

[[nodiscard]] std::string_view toString(ComparedFigure::Outcome outcome);

/// Two reports of `tandem run` (`run --json`, or what the window exports). Any thread. Fails, naming `nameA` or
/// `nameB`, where a text is none. Confidence comes from the scatter within each run (metrics/batch_means.hpp), so it
/// knows nothing of what changes from one run to the next; a note says so.
[[nodiscard]] Result<Comparison> compareReports(const std::string& a, const std::string& b, const std::string& nameA,
                                                const std::string& nameB);
/// A report from a file's text. Fails, naming `name`, where it is none.
[[nodiscard]] Result<Report> readReport(const std::string& text, const std::string& name);
[[nodiscard]] Json encodeComparison(const Comparison& comparison);

} // namespace tandem::session
