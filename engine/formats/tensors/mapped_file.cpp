// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/mapped_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem {
namespace {

Error systemError(ErrorCode code, const std::string& what, const std::filesystem::path& path, int number) {
  const char* hint = "check the path";
  if (number == EACCES || number == EPERM) hint = "check the permissions";
  return makeError(code, what + ": " + std::strerror(number), path.string(), hint);
}

} // namespace

MappedFile::~MappedFile() {
  if (m_size > 0) ::munmap(m_data, m_size);
}

Result<std::shared_ptr<const MappedFile>> MappedFile::adopt(int descriptor, const std::filesystem::path& path,
                                                            ErrorCode code, std::int64_t maxBytes) {
  struct stat facts {};
  const bool known = ::fstat(descriptor, &facts) == 0;
  const int statError = errno;
  void* data = nullptr;
  int mapError = 0;
  const bool usable = known && S_ISREG(facts.st_mode) && facts.st_size <= maxBytes;
  if (usable && facts.st_size > 0) {
    data = ::mmap(nullptr, static_cast<std::size_t>(facts.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
    mapError = data == MAP_FAILED ? errno : 0;
  }
  ::close(descriptor);
  if (!known) return systemError(code, "cannot read the file", path, statError);
  if (!S_ISREG(facts.st_mode))
    return makeError(code, S_ISDIR(facts.st_mode) ? "this is a folder" : "this is not a regular file", path.string(),
                     "choose a file");
  if (facts.st_size > maxBytes)
    return makeError(code,
                     "the file has " + std::to_string(facts.st_size) + " bytes, more than the " +
                         std::to_string(maxBytes) + " that can be read",
                     path.string(), "for models, store the weights as external data");
  if (mapError) return systemError(code, "cannot map the file", path, mapError);
  return std::shared_ptr<const MappedFile>(new MappedFile(data, static_cast<std::size_t>(facts.st_size)));
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path, ErrorCode code,
                                                           std::int64_t maxBytes) {
  // O_NONBLOCK: opening a pipe nobody writes to would otherwise wait for ever.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return systemError(code, "cannot open the file", path, errno);
  return adopt(descriptor, path, code, maxBytes);
}

} // namespace tandem
