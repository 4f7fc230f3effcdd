// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/keras/detail/hdf5_headers.hpp"
#include "engine/tensor/tensor.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tandem::detail {

/// An HDF5 file in memory, for reading. Untrusted: only what lies in the file itself is ever looked at (no soft or
/// external link, no external storage, no virtual dataset), sizes are checked against the bytes stored, and no filter
/// is loaded. Paths are relative to the root, parts divided by '/'; "" is the root. Problems are thrown as KerasError.
///
/// The library is not thread-safe: an object holds the only lock there is from construction to destruction. One thread.
class Hdf5File {
 public:
  explicit Hdf5File(std::span<const std::byte> bytes); ///< a view; keep the bytes
  ~Hdf5File();
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;

  /// One name in a group.
  struct Link {
    std::string name;
    bool isGroup = false;
    bool isDataset = false;
  };
  bool hasGroup(const std::string& path);
  bool hasDataset(const std::string& path);
  /// Names in a group, sorted. Throws where one leads out of the file, and above 65,536 names.
  std::vector<Link> links(const std::string& path);

  bool hasAttribute(const std::string& path, const std::string& name);
  /// A text, at most `maxBytes` long; nullopt where there is no such attribute.
  std::optional<std::string> text(const std::string& path, const std::string& name, std::size_t maxBytes);
  /// A list of texts; nullopt where there is no such attribute.
  std::optional<std::vector<std::string>> texts(const std::string& path, const std::string& name);

  /// Extents, without reading.
  Shape shape(const std::string& path);
  /// The elements as float32 (floating types), as int32 or int64 (integers) or as bool.
  Tensor read(const std::string& path);

 private:
  std::int64_t openDataset(const std::string& path);
  std::vector<std::string> readTexts(std::int64_t attribute, const std::string& what, std::int64_t limit);

  std::unique_lock<std::mutex> m_lock;
  std::int64_t m_file = -1;
  std::span<const std::byte> m_bytes;
  Hdf5Headers m_headers;
  std::int64_t m_fileBytes = 0;
  std::int64_t m_total = 0;    ///< bytes of all tensors so far
  std::int64_t m_unbacked = 0; ///< bytes of tensors so far that no stored byte stands for
};

} // namespace tandem::detail
