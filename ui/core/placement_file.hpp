// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"
#include "engine/session/types.hpp"

#include <QList>
#include <QString>

namespace tandem::ui {

/// Reads a *.placement.json (at most 64 MiB).
Result<session::PlacementDoc> readPlacementFile(const QString& path);
/// Writes it atomically: the old file stays when anything fails.
Result<void> writePlacementFile(const QString& path, const session::PlacementDoc& placement);

/// Unsaved work of one document, kept in a file so that it survives a crash.
struct UnsavedWork {
  QString source;        ///< the model
  QString placementFile; ///< where it was last saved; may be empty
  session::PlacementDoc placement;
  QString file; ///< the autosave file itself
};

/// Files of unsaved placements: one per running window, removed when nothing is unsaved.
class Autosave {
 public:
  /// `folder` empty: the user's data folder.
  explicit Autosave(const QString& folder = {});
  Result<void> write(const UnsavedWork& work) const;
  void remove() const;
  /// What crashed windows left behind (their process is gone). Unreadable files are skipped.
  [[nodiscard]] QList<UnsavedWork> leftBehind() const;
  static void discard(const UnsavedWork& work);

 private:
  QString m_folder, m_path;
};

} // namespace tandem::ui
