// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "app/cli/client.hpp"

#include <atomic>

namespace tandem::cli {

/// A table with a header line; numbers are right-aligned by the caller's choice of column. Very long cells lose their
/// middle.
class Table {
 public:
  explicit Table(std::vector<std::string> header, std::vector<bool> rightAligned = {});
  void add(std::vector<std::string> row);
  void print() const; ///< to standard output

 private:
  std::vector<std::vector<std::string>> m_rows;
  std::vector<bool> m_right;
};

/// One line on standard error that is overwritten while work goes on; nothing where that is no terminal.
class Progress {
 public:
  explicit Progress(bool wanted);
  ~Progress();
  void show(const Json& data); ///< {"done","total","text"}
  void show(const std::string& text);

 private:
  bool m_enabled;
  std::atomic<bool> m_shown = false; ///< progress may come from several threads
};

std::string formatBytes(std::int64_t bytes); ///< "1.2 MiB"
std::string formatMs(double ms);             ///< "3.42 ms", "812 us", "1.20 s"
std::string formatNumber(double value, int decimals = 1);
std::string formatFlops(double flops); ///< "0.70 GFLOP"
std::string formatShape(const std::vector<std::int64_t>& shape);

/// Every text in `json`, keys too, as a terminal may show it: names in replies come from files.
void makePrintable(Json& json);

/// Prints JSON on standard output: the contract of --json. On a terminal everything but ASCII is escaped.
void printJson(const Json& json);
/// Prints the error line on standard error, and with --json also the error object; returns the exit code.
int fail(const Error& error, bool json);

} // namespace tandem::cli
