// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

struct stat;

namespace tandem {

/// The bytes of a regular file, mapped read-only; small files are read instead. Immutable; any thread.
///
/// Somebody may truncate or overwrite a file while it is mapped. The bytes that vanish then read as zeros (a handler of
/// SIGBUS sees to it, in whichever thread and library reads them), and changed() tells. Who computed with them asks.
class MappedFile {
 public:
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(m_data), m_size}; }
  const std::filesystem::path& path() const { return m_path; }

  /// A number that no other file of this process has, also not the same one opened again.
  std::uint64_t serial() const { return m_serial; }
  /// Copies a part of bytes() to `out`, past the mapping: reads each byte once, and its pages count not as memory of
  /// this process. What vanished from the file becomes zeros.
  void copy(std::span<const std::byte> part, void* out) const;
  /// Says that nobody is going to read these bytes soon: their pages count no longer as memory of this process, and
  /// are read from the file again where somebody does.
  void giveBack(std::span<const std::byte> part) const;

  /// Whether bytes were lost, or the file written to, since it was opened. A file that was deleted or replaced by
  /// another one keeps its bytes and has not changed.
  bool changed() const;
  /// changed() as an Error with the code given at opening.
  Result<void> requireUnchanged() const;

  /// Opens `path`. Directories, pipes, sockets and devices are refused without blocking on them, and so are files above
  /// `maxBytes`. Errors carry `code` and the path.
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path, ErrorCode code,
                                                        std::int64_t maxBytes);
  /// Takes the descriptor of an open file (closed in every case).
  static Result<std::shared_ptr<const MappedFile>> adopt(int descriptor, const std::filesystem::path& path,
                                                         ErrorCode code, std::int64_t maxBytes);

 private:
  /// What tells one version of a file's content from another.
  struct Version {
    std::int64_t bytes = 0, seconds = 0, nanoseconds = 0;
    friend bool operator==(const Version&, const Version&) = default;
  };
  MappedFile() = default;
  static Version versionOf(const struct ::stat& facts);
  Result<void> load(int descriptor, std::size_t size);
  Result<void> readAll(int descriptor, std::size_t size);

  std::filesystem::path m_path;
  ErrorCode m_code = ErrorCode::Internal;
  Version m_version;
  void* m_data = nullptr;
  std::size_t m_size = 0;
  std::uint64_t m_serial = 0;
  int m_descriptor = -1;                   ///< of a mapped file
  mutable std::atomic<bool> m_lost{false}; ///< copy() missed bytes
  int m_guard = -1;                        ///< entry in the table of guarded mappings; -1: the bytes are on the heap
};

} // namespace tandem
