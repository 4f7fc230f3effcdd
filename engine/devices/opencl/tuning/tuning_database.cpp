// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/tuning/tuning_database.hpp"

#include "engine/base/atomic_file.hpp"
#include "engine/base/hash.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

namespace tandem::opencl {
namespace {

// Far more than a person's models need; what goes beyond is dropped, or is no file of ours.
constexpr std::size_t kMaxEntries = 20'000;
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{16} << 20;

bool isRegularOrAbsent(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto type = std::filesystem::status(file, ignored).type();
  return type == std::filesystem::file_type::regular || type == std::filesystem::file_type::not_found;
}

} // namespace

TuningDatabase::TuningDatabase(const std::filesystem::path& folder, const std::string& deviceKey,
                               std::string_view preset) {
  read(preset, m_preset);
  m_header = "tandem-tuning 1 " + deviceKey;
  std::replace(m_header.begin(), m_header.end(), '\n', ' ');
  if (folder.empty()) return;
  std::ostringstream name;
  name << "tuning-" << std::hex << fnv1a(m_header) << ".txt";
  m_file = folder / name.str();
  readFile();
}

/// Lines of microseconds, variant and key, with tabs between them; what is damaged is left out.
void TuningDatabase::read(std::string_view text, Entries& into) {
  while (!text.empty() && into.size() < kMaxEntries) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    Entry entry;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), entry.microseconds);
    if (error != std::errc() || !std::isfinite(entry.microseconds) || entry.microseconds < 0) continue;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (line.empty() || line[0] != '\t') continue;
    line.remove_prefix(1);
    const std::size_t tab = line.find('\t');
    if (tab == 0 || tab == std::string_view::npos || tab + 1 == line.size()) continue;
    entry.variant = line.substr(0, tab);
    into.insert_or_assign(std::string(line.substr(tab + 1)), std::move(entry));
  }
}

/// What this process measured and did not write yet stays.
void TuningDatabase::readFile() {
  std::error_code problem; // a pipe would never end, a folder has no size
  const bool isFile = std::filesystem::is_regular_file(m_file, problem);
  if (!isFile || std::filesystem::file_size(m_file, problem) > kMaxFileBytes) return;
  std::ifstream file(m_file);
  std::string header;
  if (!std::getline(file, header) || header != m_header) return;
  std::ostringstream text;
  text << file.rdbuf();
  Entries found;
  read(text.str(), found);
  for (auto& [key, entry] : found)
    if (!m_unsaved.contains(key)) m_measured.insert_or_assign(key, std::move(entry));
}

std::optional<TuningDatabase::Entry> TuningDatabase::find(std::string_view key) const {
  std::lock_guard lock(m_mutex);
  for (const Entries* entries : {&m_measured, &m_preset})
    if (const auto found = entries->find(key); found != entries->end()) return found->second;
  return std::nullopt;
}

bool TuningDatabase::isMeasured(std::string_view key) const {
  std::lock_guard lock(m_mutex);
  return m_measured.contains(key);
}

void TuningDatabase::store(std::string_view key, Entry entry) {
  std::lock_guard lock(m_mutex);
  if (m_measured.size() >= kMaxEntries && !m_measured.contains(key)) m_measured.clear();
  m_measured.insert_or_assign(std::string(key), std::move(entry));
  m_unsaved.emplace(key);
}

bool TuningDatabase::save() {
  std::lock_guard lock(m_mutex);
  if (m_file.empty() || m_unsaved.empty()) return true;
  if (!isRegularOrAbsent(m_file)) return false;
  readFile();
  std::ostringstream text;
  text << m_header << '\n';
  for (const auto& [key, entry] : m_measured)
    text << entry.microseconds << '\t' << entry.variant << '\t' << key << '\n';
  std::error_code ignored;
  std::filesystem::create_directories(m_file.parent_path(), ignored);
  if (!writeFileAtomically(m_file, text.str()).ok()) return false;
  m_unsaved.clear();
  return true;
}

void TuningDatabase::clear() {
  std::lock_guard lock(m_mutex);
  m_measured.clear();
  m_unsaved.clear();
  std::error_code ignored;
  if (!m_file.empty() && isRegularOrAbsent(m_file)) std::filesystem::remove(m_file, ignored);
}

std::size_t DatabasePolicy::pick(std::string_view key, std::span<const std::string> variants) {
  const auto known = m_database.find(key);
  if (!known) return 0;
  const auto found = std::find(variants.begin(), variants.end(), known->variant);
  return found == variants.end() ? 0 : static_cast<std::size_t>(found - variants.begin());
}

} // namespace tandem::opencl
