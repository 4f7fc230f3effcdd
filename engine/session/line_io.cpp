// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/line_io.hpp"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace tandem::session {

bool readLines(int fd, const std::function<bool(std::string_view)>& line) {
  std::string buffer;
  std::size_t scanned = 0;
  std::string chunk(std::size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    buffer.append(chunk.data(), static_cast<std::size_t>(got));
    std::size_t start = 0;
    for (std::size_t end; (end = buffer.find('\n', std::max(start, scanned))) != std::string::npos; start = end + 1)
      if (end > start && !line(std::string_view(buffer).substr(start, end - start))) return true;
    buffer.erase(0, start);
    scanned = buffer.size();
    if (buffer.size() > kMaxLineBytes) return false;
  }
}

bool LineWriter::write(std::string_view line) {
  std::string text(line);
  text += '\n';
  std::lock_guard lock(m_mutex);
  std::string_view left = text;
  while (!left.empty() && !m_broken) {
    const ssize_t written = ::write(m_fd, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      m_broken = true;
    else
      left.remove_prefix(static_cast<std::size_t>(written));
  }
  return !m_broken;
}

} // namespace tandem::session
