// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/exporters/export_files.hpp"

#include "engine/base/atomic_file.hpp"
#include "engine/base/printable.hpp"

#include <atomic>
#include <unistd.h>

namespace tandem {
namespace {

namespace fs = std::filesystem;

Error failed(const std::string& what, const fs::path& where, const std::error_code& reason) {
  return makeError(ErrorCode::OutputFailed, what + ": " + reason.message(), where.string(),
                   "choose a folder you can write to, with enough space");
}

/// Removes what it names when it goes, so that a failed export leaves nothing behind.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(fs::path path) : m_path(std::move(path)) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(m_path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return m_path; }

 private:
  fs::path m_path;
};

/// Renames files into place; undoes everything unless keep() was called.
class Moves {
 public:
  ~Moves() {
    std::error_code ignored;
    for (auto it = m_done.rbegin(); it != m_done.rend(); ++it) {
      fs::remove(it->target, ignored);
      if (!it->backup.empty()) fs::rename(it->backup, it->target, ignored);
    }
  }
  Moves() = default;
  Moves(const Moves&) = delete;
  Moves& operator=(const Moves&) = delete;

  Result<void> move(const fs::path& source, const fs::path& target, const fs::path& backup) {
    std::error_code problem;
    const fs::file_status old = fs::symlink_status(target, problem);
    if (fs::is_directory(old))
      return makeError(ErrorCode::OutputFailed, "a folder has the name of a file to write", target.string(),
                       "move it away, or choose another folder");
    const bool replaces = fs::exists(old);
    problem.clear();
    if (replaces) {
      fs::rename(target, backup, problem);
      if (problem) return failed("cannot replace the file", target, problem);
    }
    m_done.push_back({target, replaces ? backup : fs::path()});
    fs::rename(source, target, problem);
    if (problem) return failed("cannot write the file", target, problem);
    return {};
  }
  void keep() { m_done.clear(); }

 private:
  struct Done {
    fs::path target;
    fs::path backup;
  };
  std::vector<Done> m_done;
};

} // namespace

Result<std::vector<std::string>> ExportFiles::write(const ExportRequest& request) const {
  static std::atomic<unsigned> counter{0};
  const fs::path& folder = request.folder;
  std::error_code problem;
  const bool existed = fs::exists(folder, problem);
  if (existed && !fs::is_directory(folder, problem))
    return makeError(ErrorCode::OutputFailed, "the target is not a folder", folder.string(), "choose a folder");
  if (!request.overwrite)
    for (const auto& [name, content] : m_files)
      if (fs::exists(fs::symlink_status(folder / name, problem)))
        return makeError(ErrorCode::OutputFailed, "the file exists already", (folder / name).string(),
                         "choose another folder, or allow overwriting");
  problem.clear();
  fs::create_directories(folder, problem);
  if (problem) return failed("cannot create the folder", folder, problem);

  auto result = [&]() -> Result<std::vector<std::string>> {
    const TemporaryFolder temporary(folder /
                                    (".tandem-export-" + std::to_string(::getpid()) + "-" + std::to_string(counter++)));
    fs::create_directories(temporary.path() / "old", problem);
    if (problem) return failed("cannot write into the folder", folder, problem);
    for (const auto& [name, content] : m_files) {
      TANDEM_TRY(request.cancel.check());
      if (auto written = writeFileAtomically(temporary.path() / name, content); !written) {
        Error error = written.error();
        error.where = (folder / name).string();
        return error;
      }
    }
    Moves moves;
    std::vector<std::string> paths;
    for (const auto& [name, content] : m_files) {
      TANDEM_TRY(moves.move(temporary.path() / name, folder / name, temporary.path() / "old" / name));
      paths.push_back((folder / name).string());
    }
    moves.keep();
    return paths;
  }();
  if (!result && !existed) fs::remove(folder, problem);
  return result;
}

std::string fileStem(const std::string& modelFile) {
  const bool isSample = modelFile.starts_with("sample:");
  const fs::path file = isSample ? modelFile.substr(7) : modelFile;
  // The names of samples may hold dots; those of files end in one extension.
  std::string stem = printable((isSample && file.extension() != ".onnx" ? file : file.stem()).string());
  for (char& c : stem)
    if (c == '/' || c == '\\') c = '_';
  return stem.empty() || stem.starts_with('.') ? "model" + stem : stem;
}

} // namespace tandem
