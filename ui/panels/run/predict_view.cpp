// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/predict_view.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"
#include "ui/widgets/common/common.hpp"

#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QHeaderView>
#include <QImageReader>
#include <QLabel>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace tandem::ui {

PredictView::PredictView(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  const int gap = fontMetrics().height() / 2;
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(gap, gap, gap, gap);
  layout->setSpacing(gap);
  auto* grid = new QGridLayout;
  grid->setSpacing(gap / 2);
  grid->setColumnStretch(1, 1);
  m_choose = new QPushButton(icon(QStringLiteral("picture")), tr("Choose &pictures..."), this);
  m_choose->setObjectName(QStringLiteral("choose_pictures"));
  m_predict = new QPushButton(icon(QStringLiteral("run")), tr("Predi&ct"), this);
  m_predict->setObjectName(QStringLiteral("predict"));
  m_device = new QComboBox(this);
  m_device->setObjectName(QStringLiteral("predict_device"));
  m_device->setAccessibleName(tr("Device for predictions"));
  m_device->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_device->setMinimumContentsLength(10);
  m_labelsButton = new QPushButton(tr("&Labels..."), this);
  m_labelsButton->setObjectName(QStringLiteral("choose_labels"));
  m_labelsButton->setToolTip(tr("A text file with one label per line"));
  m_labels = new ElidedLabel({}, this);
  auto* deviceTitle = new QLabel(tr("Compute &with"), this);
  deviceTitle->setBuddy(m_device);
  grid->addWidget(deviceTitle, 0, 0);
  grid->addWidget(m_device, 0, 1);
  grid->addWidget(m_labelsButton, 1, 0);
  grid->addWidget(m_labels, 1, 1);
  grid->addWidget(m_choose, 2, 0, 1, 2);
  layout->addLayout(grid);
  m_picture = new QComboBox(this);
  m_picture->setObjectName(QStringLiteral("predict_picture"));
  m_picture->setAccessibleName(tr("Picture"));
  m_picture->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_picture->setMinimumContentsLength(10);
  auto* pictureRow = new QHBoxLayout;
  pictureRow->addWidget(m_picture, 1);
  pictureRow->addWidget(m_predict);
  layout->addLayout(pictureRow);
  m_view = new PictureView(this);
  m_view->setObjectName(QStringLiteral("predict_view"));
  m_view->setEmptyText(tr("Choose pictures to see what the model makes of them"));
  layout->addWidget(m_view, 3);
  m_status = new QLabel(this);
  m_status->setWordWrap(true);
  m_status->setTextInteractionFlags(Qt::TextSelectableByMouse);
  layout->addWidget(m_status);
  m_results = new QTreeWidget(this);
  m_results->setObjectName(QStringLiteral("predict_results"));
  m_results->setAccessibleName(tr("Predictions"));
  m_results->setRootIsDecorated(false);
  m_results->setAlternatingRowColors(true);
  m_results->setColumnCount(2);
  m_results->setHeaderLabels({tr("Label"), tr("Score")});
  m_results->header()->setStretchLastSection(false);
  m_results->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  m_results->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
  layout->addWidget(m_results, 2);

  connect(m_choose, &QPushButton::clicked, this, &PredictView::choosePictures);
  connect(m_predict, &QPushButton::clicked, this, &PredictView::predict);
  connect(m_labelsButton, &QPushButton::clicked, this, &PredictView::chooseLabels);
  connect(m_picture, &QComboBox::currentIndexChanged, this, &PredictView::show);
  connect(&m_workspace.devices, &DeviceListModel::changed, this, &PredictView::fillDevices);
  connect(&m_workspace.runs, &RunController::stateChanged, this, &PredictView::updateState);
  connect(&m_workspace.document, &DocumentModel::opened, this, [this] {
    m_labelsFile = toQString(m_workspace.document.document().labelsFile);
    m_predictions.clear();
    show(m_picture->currentIndex());
    updateState();
  });
  connect(&m_workspace.document, &DocumentModel::closed, this, &PredictView::updateState);
  fillDevices();
  updateState();
}

void PredictView::fillDevices() {
  const QVariant current = m_device->currentData();
  m_device->clear();
  m_device->addItem(icon(QStringLiteral("layers")), tr("Current placement"), QString());
  const QStringList ids = m_workspace.devices.visibleIds();
  for (int i = 0; i < ids.size(); ++i) m_device->addItem(deviceIcon(i, ids[i], palette()), ids[i], ids[i]);
  m_device->setCurrentIndex(std::max(0, m_device->findData(current)));
}

void PredictView::updateState() {
  const bool ready = m_workspace.document.canRun();
  m_choose->setEnabled(ready && !m_busy);
  m_predict->setEnabled(ready && !m_busy && !m_files.isEmpty() && !m_workspace.runs.isActive());
  m_labelsButton->setEnabled(ready);
  m_labels->setText(m_labelsFile.isEmpty() ? tr("no labels: class numbers are shown")
                                           : QFileInfo(m_labelsFile).fileName());
  m_picture->setVisible(!m_files.isEmpty());
}

void PredictView::choosePictures() {
  auto* dialog =
      new QFileDialog(this, tr("Choose pictures"), m_workspace.settings.lastFolder(QStringLiteral("pictures")),
                      tr("Pictures (*.png *.jpg *.jpeg);;Tensors (*.pb *.npy);;All files (*)"));
  dialog->setObjectName(QStringLiteral("pictures_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::ExistingFiles);
  connect(dialog, &QFileDialog::filesSelected, this, [this](const QStringList& files) {
    m_workspace.settings.setLastFolder(QStringLiteral("pictures"), files.first());
    setPictures(files);
    predict();
  });
  dialog->open();
}

void PredictView::chooseLabels() {
  auto* dialog = new QFileDialog(this, tr("Choose labels"), m_workspace.settings.lastFolder(QStringLiteral("labels")),
                                 tr("Text files (*.txt *.csv);;All files (*)"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::ExistingFile);
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& file) {
    m_workspace.settings.setLastFolder(QStringLiteral("labels"), file);
    m_labelsFile = file;
    updateState();
    if (!m_files.isEmpty()) predict();
  });
  dialog->open();
}

void PredictView::setPictures(const QStringList& files) {
  m_files = files;
  m_workspace.setPredictionInput(files);
  m_predictions.clear();
  const QSignalBlocker blocker(m_picture);
  m_picture->clear();
  for (const QString& file : files) m_picture->addItem(QFileInfo(file).fileName(), file);
  m_picture->setCurrentIndex(0);
  show(0);
  updateState();
}

void PredictView::predict() {
  if (m_files.isEmpty() || !m_workspace.document.canRun() || m_workspace.runs.isActive()) return;
  PredictSpec spec;
  spec.inputs = m_files;
  spec.labels = m_labelsFile;
  spec.device = m_device->currentData().toString().toStdString();
  if (spec.device.empty()) spec.placement = m_workspace.document.placement();
  m_busy = true;
  m_status->setText(tr("Computing..."));
  updateState();
  m_workspace.engine.predict(m_workspace.document.ref(), spec,
                             [this](const Result<std::vector<session::Prediction>>& result) {
                               m_busy = false;
                               if (result.ok()) {
                                 m_predictions = *result;
                                 show(m_picture->currentIndex());
                               } else {
                                 m_status->setText(errorHeadline(result.error()));
                                 emit failed(result.error());
                               }
                               updateState();
                             });
}

void PredictView::showOutputs(const session::Prediction& prediction) {
  for (const auto& output : prediction.outputs)
    m_results->addTopLevelItem(new QTreeWidgetItem({toQString(output.name), tensorText(output)}));
}

void PredictView::show(int index) {
  m_results->clear();
  m_status->clear();
  if (index < 0 || index >= m_files.size()) {
    m_view->setPicture({});
    return;
  }
  QImageReader reader(m_files[index]);
  reader.setAutoTransform(true);
  const QImage image = reader.read();
  QList<PictureBox> boxes;
  if (static_cast<std::size_t>(index) < m_predictions.size()) {
    const auto& prediction = m_predictions[static_cast<std::size_t>(index)];
    for (const auto& box : prediction.boxes) {
      boxes.append({QRectF(QPointF(box.x0, box.y0), QPointF(box.x1, box.y1)), toQString(box.label), box.score});
      m_results->addTopLevelItem(new QTreeWidgetItem({toQString(box.label), formatPercent(box.score)}));
    }
    for (const auto& top : prediction.top) {
      const QString label = top.label.empty() ? tr("class %1").arg(top.index) : toQString(top.label);
      auto* item = new QTreeWidgetItem({label, QLocale().toString(top.score, 'f', 4)});
      item->setToolTip(0, tr("class %1").arg(top.index));
      m_results->addTopLevelItem(item);
    }
    if (prediction.boxes.empty() && prediction.top.empty() && !prediction.isDetector) showOutputs(prediction);
    const QString found =
        prediction.isDetector
            ? tr("%n object(s) found", nullptr, static_cast<int>(prediction.boxes.size())) + QStringLiteral(". ")
            : QString();
    m_status->setText(found + tr("%1 for one execution.\n%2")
                                  .arg(formatMs(prediction.latencyMs), unbrokenIds(toQString(prediction.summary))));
  }
  m_view->setPicture(image, boxes);
  m_view->setEmptyText(
      image.isNull() ? tr("%1 is no picture that can be shown").arg(QFileInfo(m_files[index]).fileName()) : QString());
}

} // namespace tandem::ui
