// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QLabel;
class QLineEdit;
class QPushButton;
class QTimer;

namespace tandem::ui {

class PictureView;

/// How pictures or sound become the model's input: the guess, what the user makes of it (kept per model), what is wrong
/// with that, and the first input as the model sees it.
class InputEditor : public QWidget {
  Q_OBJECT
 public:
  explicit InputEditor(Workspace& workspace, QWidget* parent = nullptr);

  /// The model takes pictures or sound, so there is something to edit.
  [[nodiscard]] bool applies() const { return !m_kind.isEmpty(); }
  /// Fills in what predictions need; empty texts stand for the guess.
  void addTo(PredictSpec& spec) const;
  /// The file that is previewed; empty: none.
  void setFile(const QString& file);
  [[nodiscard]] QString text() const;
  void reset();

 signals:
  void edited();                                                ///< the user changed it, and it is valid
  void previewed(const tandem::session::InputPreview& preview); ///< of the file, with the current text

 private:
  void load();
  void check();
  void showPreview(const session::InputPreview& preview);

  Workspace& m_workspace;
  QString m_kind; ///< "preprocess", "audio" or empty
  QString m_guess, m_file;
  QLineEdit* m_edit;
  QPushButton* m_reset;
  QLabel* m_message;
  PictureView* m_view;
  QTimer* m_pause;
  bool m_changed = false;
};

} // namespace tandem::ui
