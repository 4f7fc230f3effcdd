// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace tandem::cpu {

/// How long pieces of work take on this processor: each is measured once and remembered, in the process and, where
/// there is a folder, on disk. Best effort: a file that is missing, damaged or cannot be written costs measuring again.
/// Thread-safe; one measurement at a time.
class TimingCache {
 public:
  /// Remembers in `folder`, in a file that belongs to `machine` (processor, libraries: all that times depend on beside
  /// the work itself). An empty folder: in the process only.
  TimingCache(const std::filesystem::path& folder, std::string machine);
  /// Microseconds of `work`; `measure` is called where they are not known. What it throws is passed on.
  double microseconds(const std::string& work, const std::function<double()>& measure);
  /// Writes what was measured since the last call.
  void save();

 private:
  void load();

  std::filesystem::path m_file;
  std::string m_machine;
  std::mutex m_mutex;
  std::map<std::string, double> m_known;
  bool m_changed = false;
};

} // namespace tandem::cpu
