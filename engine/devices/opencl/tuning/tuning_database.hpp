// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/tuning/choices.hpp"

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>

namespace tandem::opencl {

/// The fastest variant of every choice that was measured on one device: in the process, on disk (a text file per
/// device beside the program cache) and, where nobody measured, from the presets that come with the program. Best
/// effort: a file that is missing, damaged or cannot be written costs measuring again. Thread-safe; several processes
/// may share the file, where the last writer's entry of a key stays.
class TuningDatabase {
 public:
  struct Entry {
    std::string variant;
    double microseconds = 0; ///< 0: not measured here (a preset)
  };

  /// Remembers in `folder`, in a file that belongs to `deviceKey`; an empty folder: in the process only. `preset`:
  /// lines as in the file, without its first.
  TuningDatabase(const std::filesystem::path& folder, const std::string& deviceKey, std::string_view preset);

  std::optional<Entry> find(std::string_view key) const;
  bool isMeasured(std::string_view key) const; ///< here, not by a preset
  void store(std::string_view key, Entry entry);
  /// Writes what was stored since the last call beside what others wrote meanwhile. False: it could not be written.
  bool save();
  /// Forgets what was measured, on disk as well; presets stay.
  void clear();

 private:
  using Entries = std::map<std::string, Entry, std::less<>>;

  static void read(std::string_view text, Entries& into);
  void readFile();

  std::filesystem::path m_file;
  std::string m_header; ///< first line of the file
  mutable std::mutex m_mutex;
  Entries m_preset;
  Entries m_measured;
  std::set<std::string, std::less<>> m_unsaved;
};

/// Takes the fastest known variant, else the first.
class DatabasePolicy final : public ChoicePolicy {
 public:
  explicit DatabasePolicy(const TuningDatabase& database) : m_database(database) {}
  std::size_t pick(std::string_view key, std::span<const std::string> variants) override;

 private:
  const TuningDatabase& m_database;
};

} // namespace tandem::opencl
