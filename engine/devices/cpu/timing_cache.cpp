// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/timing_cache.hpp"

#include "engine/base/atomic_file.hpp"
#include "engine/base/hash.hpp"

#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

namespace tandem::cpu {
namespace {

// Far more than a person's models need; a file beyond that is not ours.
constexpr std::size_t kMaxEntries = 50000;

} // namespace

TimingCache::TimingCache(const std::filesystem::path& folder, std::string machine) : m_machine(std::move(machine)) {
  if (folder.empty()) return;
  std::ostringstream name;
  name << "timings-" << std::hex << fnv1a(m_machine) << ".txt";
  m_file = folder / name.str();
  load();
}

/// The first line names the machine, every other one holds microseconds, a tab and the work. What this process
/// measured itself stays.
void TimingCache::load() {
  std::ifstream file(m_file);
  std::string line;
  if (!std::getline(file, line) || line != m_machine) return;
  while (m_known.size() < kMaxEntries && std::getline(file, line)) {
    double value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    const auto used = static_cast<std::size_t>(end - line.data());
    if (error != std::errc() || !std::isfinite(value) || value < 0 || used + 1 >= line.size() || line[used] != '\t')
      continue;
    m_known.try_emplace(line.substr(used + 1), value);
  }
}

double TimingCache::microseconds(const std::string& work, const std::function<double()>& measure) {
  std::lock_guard lock(m_mutex);
  if (auto found = m_known.find(work); found != m_known.end()) return found->second;
  const double value = measure();
  m_known.emplace(work, value);
  m_changed = true;
  return value;
}

void TimingCache::save() {
  std::lock_guard lock(m_mutex);
  if (m_file.empty() || !m_changed) return;
  m_changed = false;
  load(); // what other processes measured meanwhile
  std::ostringstream text;
  text << m_machine << '\n';
  for (const auto& [work, value] : m_known) text << value << '\t' << work << '\n';
  std::error_code ignored;
  std::filesystem::create_directories(m_file.parent_path(), ignored);
  static_cast<void>(writeFileAtomically(m_file, text.str()));
}

} // namespace tandem::cpu
