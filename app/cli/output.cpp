// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/output.hpp"

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

} // namespace

Table::Table(std::vector<std::string> header, std::vector<bool> rightAligned) : m_right(std::move(rightAligned)) {
  m_right.resize(header.size(), false);
  m_rows.push_back(std::move(header));
}

void Table::add(std::vector<std::string> row) {
  row.resize(m_right.size());
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
  std::fprintf(stderr, "\r\033[K%.100s", text.c_str());
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

void printJson(const Json& json) {
  std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

int fail(const Error& error, bool json) {
  std::fprintf(stderr, "tandem: %s\n", error.line().c_str());
  for (const std::string& problem : error.problems) std::fprintf(stderr, "  - %s\n", problem.c_str());
  if (json) printJson({{"error", session::encodeError(error)}});
  return exitCode(error.code);
}

} // namespace tandem::cli
