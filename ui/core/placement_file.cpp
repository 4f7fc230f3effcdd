// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/placement_file.hpp"

#include "engine/session/codec.hpp"
#include "ui/core/labels.hpp"

#include <nlohmann/json.hpp>

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>
#include <QStandardPaths>

#include <cerrno>
#include <csignal>

namespace tandem::ui {
namespace {

using session::Json;
constexpr qint64 kMaxBytes = 64LL << 20;
constexpr int kVersion = 1;

Result<std::string> readText(const QString& path) {
  QFile file(path);
  const std::string where = path.toStdString();
  if (!file.open(QIODevice::ReadOnly))
    return makeError(ErrorCode::InputRejected, "cannot read the placement: " + file.errorString().toStdString(), where,
                     "check that the file exists and may be read");
  if (file.size() > kMaxBytes)
    return makeError(ErrorCode::InputRejected, "the file is too large for a placement", where,
                     "choose a *.placement.json file");
  return file.readAll().toStdString();
}

Result<void> writeText(const QString& path, const std::string& text) {
  QSaveFile file(path);
  const auto failed = [&] {
    return makeError(ErrorCode::OutputFailed, "cannot write the placement: " + file.errorString().toStdString(),
                     path.toStdString(), "choose a folder that you may write to, with free space");
  };
  if (!file.open(QIODevice::WriteOnly)) return failed();
  if (file.write(text.data(), static_cast<qint64>(text.size())) != static_cast<qint64>(text.size())) return failed();
  if (!file.commit()) return failed();
  return {};
}

std::string textOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool processRuns(qint64 pid) { return pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM); }

} // namespace

Result<session::PlacementDoc> readPlacementFile(const QString& path) {
  const std::string text = TANDEM_TRY(readText(path));
  const Json json = TANDEM_TRY(session::parseJson(text, path.toStdString()));
  const std::string where = path.toStdString();
  if (!json.is_object() || textOf(json, "format") != "tandem-placement")
    return makeError(ErrorCode::InputRejected, "the file is not a Tandem placement", where,
                     "choose a *.placement.json file that Tandem wrote");
  const auto version = json.find("version");
  if (version == json.end() || !version->is_number_integer() || version->get<std::int64_t>() != kVersion)
    return makeError(ErrorCode::InputRejected, "the placement was written by another version of Tandem", where,
                     "open it with that version, or update Tandem");
  auto placement = session::decodePlacement(json);
  if (placement.ok()) return placement;
  return makeError(ErrorCode::InputRejected, "the placement is damaged: a key is missing or has a wrong type", where,
                   "export it again");
}

Result<void> writePlacementFile(const QString& path, const session::PlacementDoc& placement) {
  return writeText(path, session::encodePlacement(placement).dump(2) + "\n");
}

Autosave::Autosave(const QString& folder)
    : m_folder(folder.isEmpty() ? QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation) +
                                      QStringLiteral("/tandem/unsaved")
                                : folder),
      m_path(m_folder + QStringLiteral("/%1.json").arg(QCoreApplication::applicationPid())) {}

Result<void> Autosave::write(const UnsavedWork& work) const {
  if (!QDir().mkpath(m_folder))
    return makeError(ErrorCode::OutputFailed, "cannot make the folder for unsaved work", m_folder.toStdString());
  const Json json = {{"source", work.source.toStdString()},
                     {"placement_file", work.placementFile.toStdString()},
                     {"placement", session::encodePlacement(work.placement)}};
  return writeText(m_path, json.dump());
}

void Autosave::remove() const { QFile::remove(m_path); }

QList<UnsavedWork> Autosave::leftBehind() const {
  QList<UnsavedWork> found;
  for (const QFileInfo& info : QDir(m_folder).entryInfoList({QStringLiteral("*.json")}, QDir::Files, QDir::Time)) {
    if (processRuns(info.baseName().toLongLong())) continue;
    const auto text = readText(info.filePath());
    if (!text.ok()) continue;
    const auto json = session::parseJson(*text, info.filePath().toStdString());
    if (!json.ok() || !json->is_object() || !json->contains("placement")) continue;
    auto placement = session::decodePlacement((*json)["placement"]);
    if (!placement.ok()) continue;
    found.append(
        {toQString(textOf(*json, "source")), toQString(textOf(*json, "placement_file")), *placement, info.filePath()});
  }
  return found;
}

void Autosave::discard(const UnsavedWork& work) { QFile::remove(work.file); }

} // namespace tandem::ui
