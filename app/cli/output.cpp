// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/output.hpp"

#include "engine/base/printable.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace tandem::cli {
namespace {

/// Columns a text takes on a terminal: code points, which is right for everything we print.
std::size_t width(const std::string& text) {
  std::size_t columns = 0;
  for (char c : text)
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++columns;
  return columns;
}

/// `text` in kMaxCell columns at most: start and end, which tell layers apart.
std::string elided(std::string text) {
  constexpr std::size_t kMaxCell = 160, kEnd = 60;
  if (width(text) <= kMaxCell) return text;
  const auto atColumn = [&](std::size_t column) {
    std::size_t at = 0;
    for (std::size_t seen = 0; at < text.size(); ++at)
      if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80 && seen++ == column) break;
    return at;
  };
  const std::size_t head = atColumn(kMaxCell - kEnd - 3), tail = atColumn(width(text) - kEnd);
  return text.substr(0, head) + "..." + text.substr(tail);
}

} // namespace

Table::Table(std::vector<std::string> header, std::vector<bool> rightAligned) : m_right(std::move(rightAligned)) {
  m_right.resize(header.size(), false);
  m_rows.push_back(std::move(header));
}

void Table::add(std::vector<std::string> row) {
  row.resize(m_right.size());
  for (std::string& cell : row) cell = elided(std::move(cell));
  m_rows.push_back(std::move(row));
}

void Table::print() const {
  std::vector<std::size_t> widths(m_right.size(), 0);
  for (const auto& row : m_rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  for (const auto& row : m_rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width(row[i]), ' ');
      if (i > 0) line += "  ";
      line += m_right[i] ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  }
}

Progress::Progress(bool wanted) : m_enabled(wanted && isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (m_shown) std::fputs("\r\033[K", stderr);
}

void Progress::show(const Json& data) {
  const auto total = data.value("total", std::int64_t{0});
  std::string text = data.value("text", std::string());
  if (total > 0)
    text = "[" + std::to_string(data.value("done", std::int64_t{0})) + "/" + std::to_string(total) + "] " + text;
  show(text);
}

void Progress::show(const std::string& text) {
  if (!m_enabled) return;
  m_shown = true;
  std::fprintf(stderr, "\r\033[K%.100s", printable(text).c_str());
  std::fflush(stderr);
}

std::string formatNumber(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string formatBytes(std::int64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return formatNumber(value, unit == 0 ? 0 : 1) + " " + kUnits[unit];
}

std::string formatMs(double ms) {
  if (ms >= 1000) return formatNumber(ms / 1000, 2) + " s";
  if (ms >= 1) return formatNumber(ms, 2) + " ms";
  return formatNumber(ms * 1000, 1) + " us";
}

std::string formatFlops(double flops) {
  constexpr std::array kUnits{"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"};
  std::size_t unit = 0;
  while (flops >= 1000 && unit + 1 < kUnits.size()) {
    flops /= 1000;
    ++unit;
  }
  return formatNumber(flops, unit == 0 ? 0 : 2) + " " + kUnits[unit];
}

std::string formatShape(const std::vector<std::int64_t>& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (std::int64_t dim : shape) text += (text.empty() ? "" : "x") + (dim < 0 ? "?" : std::to_string(dim));
  return text;
}

void makePrintable(Json& json) {
  std::vector<Json*> todo{&json};
  while (!todo.empty()) {
    Json& each = *todo.back();
    todo.pop_back();
    if (each.is_string()) {
      auto& text = each.get_ref<std::string&>();
      text = printable(std::move(text));
    } else if (each.is_array()) {
      for (Json& item : each) todo.push_back(&item);
    } else if (each.is_object()) {
      auto& members = each.get_ref<Json::object_t&>();
      const auto isPlain = [](const auto& member) { return printable(member.first) == member.first; };
      if (!std::all_of(members.begin(), members.end(), isPlain)) {
        Json::object_t shown;
        for (auto& [key, value] : members) shown[printable(key)] = std::move(value);
        members = std::move(shown);
      }
      for (auto& [key, value] : members) todo.push_back(&value);
    }
  }
}

void printJson(const Json& json) {
  const bool onlyAscii = isatty(STDOUT_FILENO) != 0;
  std::printf("%s\n", json.dump(2, ' ', onlyAscii, Json::error_handler_t::replace).c_str());
}

int fail(const Error& error, bool json) {
  std::fprintf(stderr, "tandem: %s\n", error.line().c_str());
  for (const std::string& problem : error.problems) std::fprintf(stderr, "  - %s\n", printable(problem).c_str());
  if (json) printJson({{"error", session::encodeError(error)}});
  return exitCode(error.code);
}

} // namespace tandem::cli
