// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/atomic_file.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem {
namespace {

Error failed(const std::filesystem::path& file, int reason) {
  std::string hint = "choose another folder";
  if (reason == ENOSPC || reason == EDQUOT || reason == EFBIG) hint = "free some space there, or choose another folder";
  if (reason == EACCES || reason == EPERM || reason == EROFS) hint = "the folder is read-only: choose another one";
  if (reason == ENOENT || reason == ENOTDIR) hint = "the folder does not exist: create it, or choose another one";
  return makeError(ErrorCode::OutputFailed, std::string("cannot write the file: ") + std::strerror(reason),
                   file.string(), std::move(hint));
}

/// 0, or the errno of the first failure.
int writeAndSync(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

/// So that the rename survives a power failure. Best effort: some file systems refuse to sync a folder.
void syncFolder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

/// Devices and pipes keep their place: renaming a file over /dev/null would take it from everybody.
Result<void> writeInPlace(const std::filesystem::path& file, std::string_view content) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return failed(file, errno);
  int reason = writeAndSync(fd, content);
  if (reason == EINVAL || reason == EROFS) reason = 0; // of fsync: nothing to sync there
  if (::close(fd) != 0 && reason == 0) reason = errno;
  if (reason != 0) return failed(file, reason);
  return {};
}

} // namespace

Result<void> writeFileAtomically(const std::filesystem::path& file, std::string_view content) {
  static std::atomic<unsigned> counter{0};
  struct stat old;
  const bool exists = ::stat(file.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) return failed(file, EISDIR);
  if (exists && !S_ISREG(old.st_mode)) return writeInPlace(file, content);
  std::error_code ignored;
  std::filesystem::path target = std::filesystem::weakly_canonical(file, ignored);
  if (ignored || target.empty()) target = file;
  std::filesystem::path folder = target.parent_path();
  if (folder.empty()) folder = ".";
  const std::filesystem::path temporary =
      folder / (".tandem-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp");

  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return failed(file, errno);
  if (exists) ::fchmod(fd, old.st_mode & 07777);
  int reason = writeAndSync(fd, content);
  if (::close(fd) != 0 && reason == 0) reason = errno;
  if (reason == 0 && ::rename(temporary.c_str(), target.c_str()) != 0) reason = errno;
  if (reason != 0) {
    ::unlink(temporary.c_str());
    return failed(file, reason);
  }
  syncFolder(folder);
  return {};
}

} // namespace tandem
