// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QPushButton;
class QStackedWidget;
class QTreeWidget;
class QVBoxLayout;

namespace tandem::ui {

class CollapsibleSection;
class ElidedLabel;
class InputEditor;
class PictureView;
class WaveView;

/// Predictions for the user's own pictures, recordings, tables, texts and tensors: the best labels, boxes on the
/// picture, recognised text, or a row per step. Files come by dialog, by drop, or as a text that is typed.
class PredictView : public QWidget {
  Q_OBJECT
 public:
  explicit PredictView(Workspace& workspace, QWidget* parent = nullptr);

  void choosePictures(); ///< asks for files of any kind, then predicts
  void setPictures(const QStringList& files);
  void setText(const QString& text); ///< instead of files
  void predict();
  [[nodiscard]] const std::vector<session::Prediction>& predictions() const { return m_predictions; }

 signals:
  void failed(const tandem::Error& error);
  /// A prediction worked after one that failed with this headline: what was told of it is over.
  void recovered(const QString& headline);

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void buildInputs(QVBoxLayout* layout);
  void buildResults(QVBoxLayout* layout);
  void chooseLabels();
  void chooseVocabulary();
  void fillDevices();
  void documentOpened();
  void updateState();
  void fillNames();
  void show(int index);
  void showInput(int index);
  void showResults(const session::Prediction& prediction);
  void showOutputs(const session::Prediction& prediction);
  void addRow(const QString& name, const QString& value, const QString& toolTip = {});
  [[nodiscard]] QString fileOf(int index) const;
  [[nodiscard]] QString emptyText() const;
  [[nodiscard]] bool hasInput() const { return !m_files.isEmpty() || !m_typed.isEmpty(); }

  Workspace& m_workspace;
  QPushButton* m_choose;
  QPushButton* m_predict;
  QComboBox* m_device;
  QPushButton* m_labelsButton;
  ElidedLabel* m_labels;
  QWidget* m_textRow;
  QLineEdit* m_text;
  QPushButton* m_vocabularyButton;
  QComboBox* m_picture;
  QStackedWidget* m_stage;
  PictureView* m_view;
  WaveView* m_wave;
  QPlainTextEdit* m_page;
  CollapsibleSection* m_section;
  InputEditor* m_editor;
  QTreeWidget* m_results;
  QLabel* m_status;
  QString m_labelsFile, m_vocabularyFile;
  QStringList m_files;
  QString m_typed;   ///< a text instead of files
  QString m_failure; ///< headline of the last prediction where that failed
  std::vector<session::Prediction> m_predictions;
  bool m_busy = false;
};

} // namespace tandem::ui
