// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// A set of logical processors, ascending and without duplicates.
class CpuSet {
 public:
  CpuSet() = default;
  explicit CpuSet(std::vector<int> cpus);

  /// The processors this process may run on at the time of the call.
  static CpuSet available();
  /// Reads "0", "0-3", "0,2-3".
  static Result<CpuSet> parse(std::string_view text);

  const std::vector<int>& cpus() const { return m_cpus; }
  int count() const { return static_cast<int>(m_cpus.size()); }
  bool empty() const { return m_cpus.empty(); }
  bool overlaps(const CpuSet& other) const;
  bool contains(const CpuSet& other) const;
  std::string toString() const; ///< "0-3,6"
  friend bool operator==(const CpuSet&, const CpuSet&) = default;

 private:
  std::vector<int> m_cpus;
};

/// Reads the value of --cores, "0;1" or "0-1;2-3": one core set per ';' part. Fails on empty parts, on sets that
/// overlap and on processors that are not `available`.
Result<std::vector<CpuSet>> parseCoreSets(std::string_view text, const CpuSet& available = CpuSet::available());

/// Restricts the calling thread (and the threads it creates afterwards) to `cpus`. False where the system refuses.
bool pinCurrentThread(const CpuSet& cpus);
/// Names the calling thread for debuggers and profilers; at most 15 characters are kept.
void nameCurrentThread(std::string_view name);

} // namespace tandem
