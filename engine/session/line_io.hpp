// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace tandem::session {

/// Longest accepted message: the largest model (200,000 nodes) stays below.
inline constexpr std::size_t kMaxLineBytes = std::size_t{256} << 20;

/// Reads lines from `fd` until its end; false where a line is longer than allowed or reading fails.
bool readLines(int fd, const std::function<bool(std::string_view)>& line);

/// Writes whole lines from any thread. A closed reader makes write() return false, not a signal (SIGPIPE is blocked by
/// the processes that use this).
class LineWriter {
 public:
  explicit LineWriter(int fd) : m_fd(fd) {}
  bool write(std::string_view line);

 private:
  std::mutex m_mutex;
  int m_fd;
  bool m_broken = false;
};

} // namespace tandem::session
