// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace tandem {

/// The bytes of a regular file, mapped read-only. Immutable; any thread. Whoever truncates the file while it is mapped
/// ends the process that reads it (SIGBUS), which is why models are opened in the worker.
class MappedFile {
 public:
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(m_data), m_size}; }

  /// Maps `path`. Directories, pipes, sockets and devices are refused without blocking on them, and so are files above
  /// `maxBytes`. Errors carry `code` and the path.
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path, ErrorCode code,
                                                        std::int64_t maxBytes);
  /// Takes the descriptor of an open file (closed in every case).
  static Result<std::shared_ptr<const MappedFile>> adopt(int descriptor, const std::filesystem::path& path,
                                                         ErrorCode code, std::int64_t maxBytes);

 private:
  MappedFile(void* data, std::size_t size) : m_data(data), m_size(size) {}
  void* m_data = nullptr;
  std::size_t m_size = 0;
};

} // namespace tandem
