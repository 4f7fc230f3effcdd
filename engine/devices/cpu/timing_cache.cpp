// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/timing_cache.hpp"

#include "engine/base/atomic_file.hpp"
#include "engine/base/hash.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>

namespace tandem::cpu {
namespace {

// Far more than a person's models need; a file beyond that is not ours.
constexpr std::size_t kMaxEntries = 50000;
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{64} << 20;
// Whoever meets ever new kinds starts over.
constexpr std::size_t kMaxKinds = kMaxEntries / TimingCache::kMeasuredSizes;

struct Entry {
  Work work;
  double microseconds = 0;
};

/// A number at the beginning of `text`, up to a tab, both of which are taken off.
template <class Number> std::optional<Number> takeNumber(std::string_view& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto used = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || used >= text.size() || text[used] != '\t') return std::nullopt;
  text.remove_prefix(used + 1);
  return value;
}

/// Microseconds, amount, kind and size, with tabs between them.
std::optional<Entry> parse(std::string_view line) {
  const auto microseconds = takeNumber<double>(line);
  if (!microseconds || !std::isfinite(*microseconds) || *microseconds < 0) return std::nullopt;
  const auto amount = takeNumber<std::int64_t>(line);
  const std::size_t tab = line.find('\t');
  if (!amount || *amount < 1 || tab == 0 || tab == std::string_view::npos) return std::nullopt;
  return Entry{{std::string(line.substr(0, tab)), std::string(line.substr(tab + 1)), *amount}, *microseconds};
}

} // namespace

TimingCache::TimingCache(const std::filesystem::path& folder, std::string machine) : m_machine(std::move(machine)) {
  if (folder.empty()) return;
  std::ostringstream name;
  name << "timings-" << std::hex << fnv1a(m_machine) << ".txt";
  m_file = folder / name.str();
  load();
}

/// The first line names the machine, every other one holds a time. What this process measured itself stays.
void TimingCache::load() {
  std::error_code problem; // a pipe would never end, a folder has no size
  const bool isFile = std::filesystem::is_regular_file(m_file, problem);
  if (!isFile || std::filesystem::file_size(m_file, problem) > kMaxFileBytes) return;
  std::ifstream file(m_file);
  std::string line;
  if (!std::getline(file, line) || line != m_machine) return;
  for (std::size_t i = 0; i < kMaxEntries && m_known.size() < kMaxKinds && std::getline(file, line); ++i)
    if (auto entry = parse(line))
      m_known[entry->work.kind].try_emplace(entry->work.size, Timing{entry->work.amount, entry->microseconds});
}

const TimingCache::Sizes& TimingCache::sizesOf(const std::string& kind) const {
  static const Sizes kNone;
  const auto found = m_known.find(kind);
  return found == m_known.end() ? kNone : found->second;
}

std::vector<double>
TimingCache::microseconds(std::span<const Work> works,
                          const std::function<std::vector<double>(std::span<const std::size_t>)>& measure) {
  std::lock_guard lock(m_mutex);
  std::vector<double> times(works.size());
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < works.size(); ++i) {
    const Sizes& sizes = sizesOf(works[i].kind);
    if (const auto found = sizes.find(works[i].size); found != sizes.end()) {
      times[i] = found->second.microseconds;
    } else if (sizes.size() < kMeasuredSizes) {
      missing.push_back(i);
    } else {
      const auto amount = static_cast<double>(works[i].amount);
      const auto distance = [&](const Timing& t) { return std::abs(std::log(static_cast<double>(t.amount) / amount)); };
      const Timing& nearest = std::min_element(sizes.begin(), sizes.end(), [&](const auto& a, const auto& b) {
                                return distance(a.second) < distance(b.second);
                              })->second;
      times[i] = nearest.microseconds * amount / static_cast<double>(nearest.amount);
    }
  }
  if (missing.empty()) return times;
  const std::vector<double> measured = measure(missing);
  if (m_known.size() + missing.size() > kMaxKinds) m_known.clear();
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const Work& work = works[missing[i]];
    times[missing[i]] = measured[i];
    m_known[work.kind].insert_or_assign(work.size, Timing{work.amount, measured[i]});
  }
  m_changed = true;
  return times;
}

void TimingCache::save() {
  std::lock_guard lock(m_mutex);
  if (m_file.empty() || !m_changed) return;
  m_changed = false;
  std::error_code ignored;
  const auto type = std::filesystem::status(m_file, ignored).type();
  if (type != std::filesystem::file_type::regular && type != std::filesystem::file_type::not_found) return;
  load(); // what other processes measured meanwhile
  std::ostringstream text;
  text << m_machine << '\n';
  for (const auto& [kind, sizes] : m_known)
    for (const auto& [size, timing] : sizes)
      text << timing.microseconds << '\t' << timing.amount << '\t' << kind << '\t' << size << '\n';
  std::filesystem::create_directories(m_file.parent_path(), ignored);
  static_cast<void>(writeFileAtomically(m_file, text.str()));
}

} // namespace tandem::cpu
