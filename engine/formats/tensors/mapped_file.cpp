// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/mapped_file.hpp"

#include "engine/formats/tensors/mapping_guard.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem {
namespace {

// Files up to this size are read at once: cheaper than page faults, and nobody can pull the bytes away.
constexpr std::size_t kReadAtMost = std::size_t{1} << 20;

Error systemError(ErrorCode code, const std::string& what, const std::filesystem::path& path, int number) {
  const char* hint = "check the path";
  if (number == EACCES || number == EPERM) hint = "check the permissions";
  return makeError(code, what + ": " + std::strerror(number), path.string(), hint);
}

Error changedError(ErrorCode code, const std::filesystem::path& path) {
  return makeError(code, "the file changed while it was in use, or could not be read", path.string(), "open it again");
}

} // namespace

MappedFile::~MappedFile() {
  if (m_guard < 0) {
    std::free(m_data);
    return;
  }
  ::close(m_descriptor);
  detail::releaseGuard(m_guard);
  ::munmap(m_data, m_size);
}

void MappedFile::copy(std::span<const std::byte> part, void* out) const {
  if (m_guard < 0) {
    std::memcpy(out, part.data(), part.size());
    return;
  }
  const std::ptrdiff_t start = part.data() - bytes().data();
  auto* to = static_cast<std::byte*>(out);
  for (std::size_t done = 0; done < part.size();) {
    const ssize_t got =
        ::pread(m_descriptor, to + done, part.size() - done, static_cast<off_t>(start) + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      std::memset(to + done, 0, part.size() - done);
      m_lost.store(true);
      return;
    }
    done += static_cast<std::size_t>(got);
  }
}

void MappedFile::giveBack(std::span<const std::byte> part) const {
  if (m_guard < 0) return;
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(part.data() + part.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

MappedFile::Version MappedFile::versionOf(const struct ::stat& facts) {
  return {facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec};
}

bool MappedFile::changed() const {
  if (m_guard < 0) return false;
  if (detail::lostBytes(m_guard) || m_lost.load()) return true;
  struct stat facts {}; // of the file itself, whatever its path leads to by now
  return ::fstat(m_descriptor, &facts) != 0 || versionOf(facts) != m_version;
}

Result<void> MappedFile::requireUnchanged() const {
  if (changed()) return changedError(m_code, m_path);
  return {};
}

Result<void> MappedFile::readAll(int descriptor, std::size_t size) {
  m_data = std::malloc(size);
  if (!m_data) return makeError(m_code, "not enough memory to read the file", m_path.string(), "close other programs");
  m_size = size;
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = ::pread(descriptor, static_cast<std::byte*>(m_data) + at, size - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return systemError(m_code, "cannot read the file", m_path, errno);
    if (got == 0) return changedError(m_code, m_path);
    at += static_cast<std::size_t>(got);
  }
  return {};
}

Result<void> MappedFile::load(int descriptor, std::size_t size) {
  if (size == 0) return {};
  if (size <= kReadAtMost) return readAll(descriptor, size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return systemError(m_code, "cannot map the file", m_path, errno);
  m_guard = detail::guardMapping(data, size);
  m_descriptor = m_guard < 0 ? -1 : ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (m_descriptor < 0) {
    if (m_guard >= 0) detail::releaseGuard(m_guard);
    m_guard = -1;
    ::munmap(data, size);
    return readAll(descriptor, size);
  }
  m_data = data;
  m_size = size;
  return {};
}

Result<std::shared_ptr<const MappedFile>> MappedFile::adopt(int descriptor, const std::filesystem::path& path,
                                                            ErrorCode code, std::int64_t maxBytes) {
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } const closer{descriptor};
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return systemError(code, "cannot read the file", path, errno);
  if (!S_ISREG(facts.st_mode))
    return makeError(code, S_ISDIR(facts.st_mode) ? "this is a folder" : "this is not a regular file", path.string(),
                     "choose a file");
  if (facts.st_size > maxBytes)
    return makeError(code,
                     "the file has " + std::to_string(facts.st_size) + " bytes, more than the " +
                         std::to_string(maxBytes) + " that can be read",
                     path.string(), "for models, store the weights as external data");
  std::shared_ptr<MappedFile> file(new MappedFile());
  file->m_path = path;
  file->m_code = code;
  file->m_version = versionOf(facts);
  static std::atomic<std::uint64_t> files{0};
  file->m_serial = files.fetch_add(1, std::memory_order_relaxed) + 1;
  TANDEM_TRY(file->load(descriptor, static_cast<std::size_t>(facts.st_size)));
  return std::shared_ptr<const MappedFile>(std::move(file));
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path, ErrorCode code,
                                                           std::int64_t maxBytes) {
  // O_NONBLOCK: opening a pipe nobody writes to would otherwise wait for ever.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return systemError(code, "cannot open the file", path, errno);
  return adopt(descriptor, path, code, maxBytes);
}

} // namespace tandem
