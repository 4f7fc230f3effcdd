// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/external_data.hpp"

#include "engine/base/checked.hpp"
#include "engine/formats/tensors/detail/tensor_proto.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxExternalBytes = std::int64_t{1} << 42;

/// Opens `relative` below `folder` without following links in it, part by part: nobody can swap a link in between a
/// check and the opening. Negative on failure, with errno.
int openBelow(const fs::path& folder, const fs::path& relative) {
  int at = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (auto part = relative.begin(); at >= 0 && part != relative.end(); ++part) {
    const bool last = std::next(part) == relative.end();
    const int kind = last ? O_NONBLOCK | O_NOCTTY : O_DIRECTORY;
    const int next = ::openat(at, part->c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind);
    const int problem = errno;
    ::close(at);
    errno = problem;
    at = next;
  }
  return at;
}

/// onnx.proto, TensorProto.external_data, and what ONNX Runtime writes beside it.
bool isKnownKey(std::string_view key) {
  return key == "location" || key == "offset" || key == "length" || key == "checksum" || key == "basepath" ||
         key.starts_with("prepacked");
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

} // namespace

Result<std::shared_ptr<const MappedFile>> ExternalData::fileAt(const std::string& location, const std::string& tensor) {
  if (auto it = m_files.find(location); it != m_files.end()) return it->second;
  const auto refuse = [&](const std::string& why) {
    return makeError(ErrorCode::ModelRejected, "the data of tensor '" + tensor + "' is in '" + location + "', " + why,
                     m_where, "external data must be a file in the model's folder");
  };
  if (m_folder.empty()) return refuse("but this model has no folder");
  const fs::path relative(location);
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute() ||
      !relative.has_filename())
    return refuse("which is not a path inside the model's folder");
  for (const fs::path& part : relative)
    if (part == "..") return refuse("which leaves the model's folder");

  std::error_code failure;
  const fs::path folder = fs::canonical(m_folder, failure); // the user chose it, so links on the way to it are fine
  if (failure) return refuse("but the model's folder cannot be read");
  const int descriptor = openBelow(folder, relative);
  if (descriptor < 0) {
    // O_NOFOLLOW answers ELOOP for a link to a file, and O_DIRECTORY makes it ENOTDIR for a link to a folder.
    if (errno == ELOOP || errno == ENOTDIR) return refuse("which is, or is reached through, a link");
    return refuse(errno == ENOENT ? "which cannot be found" : "which cannot be opened");
  }
  // A second name may lead to a file that is somebody's secret: whoever may write here may link what he cannot read.
  struct stat facts {};
  if (::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink > 1) {
    ::close(descriptor);
    return refuse("a file with several names (hard links)");
  }
  auto file = TANDEM_TRY(MappedFile::adopt(descriptor, folder / relative, ErrorCode::ModelRejected, kMaxExternalBytes));
  m_files.emplace(location, file);
  return file;
}

std::vector<std::shared_ptr<const MappedFile>> ExternalData::files() const {
  std::vector<std::shared_ptr<const MappedFile>> files;
  for (const auto& [location, file] : m_files) files.push_back(file);
  return files;
}

Result<Tensor> ExternalData::read(const onnx::TensorProto& proto, const TensorDesc& desc) {
  std::string location;
  std::int64_t offset = 0;
  std::optional<std::int64_t> length;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (!isKnownKey(entry.key()))
      return makeError(ErrorCode::ModelRejected,
                       "tensor '" + proto.name() + "' has the unknown entry '" + entry.key() +
                           "' for its external data",
                       m_where, "the file is damaged, or of a newer kind");
    if (entry.key() != "offset" && entry.key() != "length") continue;
    const auto value = number(entry.value());
    if (!value)
      return makeError(ErrorCode::ModelRejected,
                       "tensor '" + proto.name() + "' has the " + entry.key() + " '" + entry.value() + "'", m_where,
                       "the file is damaged");
    if (entry.key() == "offset") offset = *value;
    if (entry.key() == "length") length = *value;
  }
  const std::int64_t bytes = desc.bytes();
  const auto file = TANDEM_TRY(fileAt(location, proto.name()));
  const auto end = checkedAdd(offset, bytes);
  if (!end || *end > static_cast<std::int64_t>(file->bytes().size()) || (length && *length != bytes))
    return makeError(ErrorCode::ModelRejected,
                     "tensor '" + proto.name() + "' (" + desc.toString() + ") needs " + std::to_string(bytes) +
                         " bytes at " + std::to_string(offset) + " of '" + location + "', which does not hold them",
                     m_where, "the external data is cut off or belongs to another model");
  return tensorFromFile(desc, file->bytes().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes)),
                        file);
}

} // namespace tandem::detail
