// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/settings.hpp"

#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>

namespace tandem::ui {
namespace {

const QString kRecent = QStringLiteral("recent");
const QString kTheme = QStringLiteral("theme");
const QString kGeometry = QStringLiteral("window/geometry");
const QString kPerspective = QStringLiteral("window/perspective");
const QString kCores = QStringLiteral("engine/cores");
const QString kHidden = QStringLiteral("engine/hidden");
const QString kTimeline = QStringLiteral("run/record_timeline");
const QString kLimits = QStringLiteral("engine/memory_limits");

QString defaultPath() {
  return QStandardPaths::writableLocation(QStandardPaths::GenericConfigLocation) +
         QStringLiteral("/tandem/workbench.ini");
}

} // namespace

Settings::Settings(const QString& path, QObject* parent)
    : QObject(parent),
      m_file(path.isEmpty() ? defaultPath() : path, QSettings::IniFormat) {}

QStringList Settings::recentFiles() const { return m_file.value(kRecent).toStringList(); }

void Settings::addRecentFile(const QString& source) {
  QStringList files = recentFiles();
  files.removeAll(source);
  files.prepend(source);
  m_file.setValue(kRecent, QStringList(files.mid(0, kRecentLimit)));
  emit recentFilesChanged();
}

void Settings::clearRecentFiles() {
  m_file.remove(kRecent);
  emit recentFilesChanged();
}

ThemeChoice Settings::theme() const {
  const QString name = m_file.value(kTheme).toString();
  if (name == QLatin1String("light")) return ThemeChoice::Light;
  if (name == QLatin1String("dark")) return ThemeChoice::Dark;
  return ThemeChoice::System;
}

void Settings::setTheme(ThemeChoice theme) {
  static const char* const kNames[] = {"system", "light", "dark"};
  m_file.setValue(kTheme, QLatin1String(kNames[static_cast<int>(theme)]));
  emit themeChanged(theme);
}

QByteArray Settings::windowGeometry() const { return m_file.value(kGeometry).toByteArray(); }
void Settings::setWindowGeometry(const QByteArray& geometry) { m_file.setValue(kGeometry, geometry); }

QString Settings::perspective() const { return m_file.value(kPerspective).toString(); }
void Settings::setPerspective(const QString& id) { m_file.setValue(kPerspective, id); }

QByteArray Settings::perspectiveState(const QString& id) const {
  return m_file.value(QStringLiteral("perspectives/") + id).toByteArray();
}

void Settings::setPerspectiveState(const QString& id, const QByteArray& state) {
  m_file.setValue(QStringLiteral("perspectives/") + id, state);
}

QString Settings::lastFolder(const QString& purpose) const {
  const QString folder = m_file.value(QStringLiteral("folders/") + purpose).toString();
  return QFileInfo(folder).isDir() ? folder : QDir::homePath();
}

void Settings::setLastFolder(const QString& purpose, const QString& fileOrFolder) {
  const QFileInfo info(fileOrFolder);
  m_file.setValue(QStringLiteral("folders/") + purpose, info.isDir() ? info.filePath() : info.absolutePath());
}

QString Settings::inputSpec(const QString& kind, const QString& modelSha256) const {
  return m_file.value(QStringLiteral("inputs/%1_%2").arg(kind, modelSha256)).toString();
}

void Settings::setInputSpec(const QString& kind, const QString& modelSha256, const QString& text) {
  const QString key = QStringLiteral("inputs/%1_%2").arg(kind, modelSha256);
  if (text.isEmpty())
    m_file.remove(key);
  else
    m_file.setValue(key, text);
}

bool Settings::recordTimeline() const { return m_file.value(kTimeline).toBool(); }

void Settings::setRecordTimeline(bool record) {
  if (record == recordTimeline()) return;
  m_file.setValue(kTimeline, record);
  emit recordTimelineChanged(record);
}

EngineConfig Settings::engineConfig() const {
  EngineConfig config;
  config.cores = m_file.value(kCores).toString();
  config.hidden = m_file.value(kHidden).toStringList();
  const QVariantMap limits = m_file.value(kLimits).toMap();
  for (auto it = limits.begin(); it != limits.end(); ++it) config.memoryLimits[it.key()] = it.value().toLongLong();
  return config;
}

void Settings::setEngineConfig(const EngineConfig& config) {
  m_file.setValue(kCores, config.cores);
  m_file.setValue(kHidden, config.hidden);
  QVariantMap limits;
  for (const auto& [id, bytes] : config.memoryLimits) limits[id] = bytes;
  m_file.setValue(kLimits, limits);
}

} // namespace tandem::ui
