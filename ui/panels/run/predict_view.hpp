// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QComboBox;
class QLabel;
class QPushButton;
class QTreeWidget;

namespace tandem::ui {

class ElidedLabel;
class PictureView;

/// Predictions for the user's own pictures: the best labels, or boxes on the picture.
class PredictView : public QWidget {
  Q_OBJECT
 public:
  explicit PredictView(Workspace& workspace, QWidget* parent = nullptr);

  void choosePictures(); ///< asks for files, then predicts
  void setPictures(const QStringList& files);
  void predict();
  [[nodiscard]] const std::vector<session::Prediction>& predictions() const { return m_predictions; }

 signals:
  void failed(const tandem::Error& error);

 private:
  void chooseLabels();
  void fillDevices();
  void updateState();
  void show(int index);
  void showOutputs(const session::Prediction& prediction);

  Workspace& m_workspace;
  QPushButton* m_choose;
  QPushButton* m_predict;
  QComboBox* m_device;
  QPushButton* m_labelsButton;
  ElidedLabel* m_labels;
  QComboBox* m_picture;
  PictureView* m_view;
  QTreeWidget* m_results;
  QLabel* m_status;
  QString m_labelsFile;
  QStringList m_files;
  std::vector<session::Prediction> m_predictions;
  bool m_busy = false;
};

} // namespace tandem::ui
