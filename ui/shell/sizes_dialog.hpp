// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/document_model.hpp"

#include <QDialog>

class QLabel;
class QPushButton;
class QSpinBox;

namespace tandem::ui {

/// The sizes that the open model leaves open: what they are now, which are guesses, and a field to choose each.
/// Deletes itself; call open(). Stays open with the engine's reason where the model cannot work with the sizes.
class SizesDialog : public QDialog {
  Q_OBJECT
 public:
  explicit SizesDialog(DocumentModel& document, QWidget* parent = nullptr);

 private:
  void apply();
  void showGuesses();

  struct Row {
    std::string key;
    QSpinBox* size;
    bool chosen;
    std::int64_t shown;
  };
  DocumentModel& m_document;
  QList<Row> m_rows;
  QLabel* m_problem;
  QPushButton* m_apply;
  bool m_reset = false;
};

} // namespace tandem::ui
