// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/engine_bridge.hpp"

#include <QByteArray>
#include <QObject>
#include <QSettings>
#include <QStringList>

namespace tandem::ui {

enum class ThemeChoice { System, Light, Dark };

/// What is remembered between starts, in one INI file under the user's configuration folder.
class Settings : public QObject {
  Q_OBJECT
 public:
  static constexpr int kRecentLimit = 9;

  /// An empty path takes the usual place (XDG_CONFIG_HOME/tandem/workbench.ini).
  explicit Settings(const QString& path = {}, QObject* parent = nullptr);

  [[nodiscard]] QStringList recentFiles() const;
  void addRecentFile(const QString& source);
  void clearRecentFiles();

  [[nodiscard]] ThemeChoice theme() const;
  void setTheme(ThemeChoice theme);

  [[nodiscard]] QByteArray windowGeometry() const;
  void setWindowGeometry(const QByteArray& geometry);
  /// Which layout of the panels is shown ("run"), and what the user made of each.
  [[nodiscard]] QString perspective() const;
  void setPerspective(const QString& id);
  [[nodiscard]] QByteArray perspectiveState(const QString& id) const;
  void setPerspectiveState(const QString& id, const QByteArray& state);

  [[nodiscard]] QString lastFolder(const QString& purpose) const;
  void setLastFolder(const QString& purpose, const QString& fileOrFolder);

  /// How inputs of the model with this hash become tensors ("preprocess" or "audio"); empty: as guessed.
  [[nodiscard]] QString inputSpec(const QString& kind, const QString& modelSha256) const;
  void setInputSpec(const QString& kind, const QString& modelSha256, const QString& text);

  /// Whether runs record a timeline.
  [[nodiscard]] bool recordTimeline() const;
  void setRecordTimeline(bool record);

  [[nodiscard]] EngineConfig engineConfig() const;
  void setEngineConfig(const EngineConfig& config);

 signals:
  void recordTimelineChanged(bool record);
  void recentFilesChanged();
  void themeChanged(tandem::ui::ThemeChoice theme);

 private:
  QSettings m_file;
};

} // namespace tandem::ui
