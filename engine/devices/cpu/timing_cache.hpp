// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace tandem::cpu {

/// A piece of work that takes time.
struct Work {
  std::string kind;        ///< everything about it but its size
  std::string size;        ///< tells works of one kind apart
  std::int64_t amount = 1; ///< how much work that is, in a unit of the kind's own; positive
};

/// How long pieces of work take on this processor: each is measured once and remembered, in the process and, where
/// there is a folder, on disk. Of one kind only a few sizes are measured; the times of further ones are estimated from
/// the nearest, so that a model whose shapes change with every request does not measure for ever. Best effort: a file
/// that is missing, damaged or cannot be written costs measuring again. Thread-safe; one measurement at a time.
class TimingCache {
 public:
  static constexpr std::size_t kMeasuredSizes = 4; ///< of a kind

  /// Remembers in `folder`, in a file that belongs to `machine` (processor, libraries: all that times depend on beside
  /// the work itself). An empty folder: in the process only.
  TimingCache(const std::filesystem::path& folder, std::string machine);
  /// Microseconds of each work. `measure` is called with the indices of those that have to be measured, if there are
  /// any, and returns their times. What it throws is passed on.
  std::vector<double> microseconds(std::span<const Work> works,
                                   const std::function<std::vector<double>(std::span<const std::size_t>)>& measure);
  /// Writes what was measured since the last call.
  void save();

 private:
  struct Timing {
    std::int64_t amount;
    double microseconds;
  };
  using Sizes = std::map<std::string, Timing>;

  void load();
  const Sizes& sizesOf(const std::string& kind) const;

  std::filesystem::path m_file;
  std::string m_machine;
  std::mutex m_mutex;
  std::map<std::string, Sizes> m_known;
  bool m_changed = false;
};

} // namespace tandem::cpu
