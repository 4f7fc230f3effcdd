// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/predict_view.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"
#include "ui/panels/run/input_editor.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/common/wave_view.hpp"

#include <QComboBox>
#include <QDir>
#include <QDragEnterEvent>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QHeaderView>
#include <QImageReader>
#include <QLabel>
#include <QLineEdit>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QStackedWidget>
#include <QTreeWidget>
#include <QUrl>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace tandem::ui {
namespace {

constexpr qint64 kShownBytes = 16384; ///< of a table or text, in the window

bool hasSuffix(const QString& file, const QStringList& suffixes) {
  return suffixes.contains(QFileInfo(file).suffix().toLower());
}
bool isPictureFile(const QString& file) {
  return hasSuffix(file, {QStringLiteral("png"), QStringLiteral("jpg"), QStringLiteral("jpeg")});
}
bool isSoundFile(const QString& file) { return hasSuffix(file, {QStringLiteral("wav")}); }
bool isTextFile(const QString& file) {
  return hasSuffix(file, {QStringLiteral("csv"), QStringLiteral("tsv"), QStringLiteral("txt")});
}

/// Files that are inputs; models and placements are for the window.
QStringList droppedInputs(const QMimeData* data) {
  QStringList files;
  for (const QUrl& url : data->urls()) {
    const QString file = url.toLocalFile();
    const bool tensor = hasSuffix(file, {QStringLiteral("npy"), QStringLiteral("npz"), QStringLiteral("pb")});
    if (!file.isEmpty() && (isPictureFile(file) || isSoundFile(file) || isTextFile(file) || tensor)) files.append(file);
  }
  return files;
}

bool takes(const session::Document& document, const char* kind) {
  return std::find(document.inputKinds.begin(), document.inputKinds.end(), kind) != document.inputKinds.end();
}

} // namespace

PredictView::PredictView(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  const int gap = fontMetrics().height() / 2;
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(gap, gap, gap, gap);
  layout->setSpacing(gap);
  setAcceptDrops(true);
  buildInputs(layout);
  buildResults(layout);

  connect(m_choose, &QPushButton::clicked, this, &PredictView::choosePictures);
  connect(m_predict, &QPushButton::clicked, this, &PredictView::predict);
  connect(m_labelsButton, &QPushButton::clicked, this, &PredictView::chooseLabels);
  connect(m_vocabularyButton, &QPushButton::clicked, this, &PredictView::chooseVocabulary);
  connect(m_text, &QLineEdit::returnPressed, this, [this] {
    if (m_text->text().trimmed().isEmpty()) return;
    setText(m_text->text());
    predict();
  });
  connect(m_picture, &QComboBox::currentIndexChanged, this, &PredictView::show);
  connect(m_editor, &InputEditor::edited, this, &PredictView::predict);
  connect(m_editor, &InputEditor::previewed, this, [this](const session::InputPreview& preview) {
    if (preview.kind != "sound") return;
    m_wave->setWave(QList<double>(preview.low.begin(), preview.low.end()),
                    QList<double>(preview.high.begin(), preview.high.end()), preview.seconds);
  });
  connect(&m_workspace.devices, &DeviceListModel::changed, this, &PredictView::fillDevices);
  connect(&m_workspace.runs, &RunController::stateChanged, this, &PredictView::updateState);
  connect(&m_workspace.document, &DocumentModel::opened, this, &PredictView::documentOpened);
  connect(&m_workspace.document, &DocumentModel::closed, this, &PredictView::updateState);
  fillDevices();
  updateState();
}

void PredictView::buildInputs(QVBoxLayout* layout) {
  const int gap = fontMetrics().height() / 2;
  auto* grid = new QGridLayout;
  grid->setSpacing(gap / 2);
  grid->setColumnStretch(1, 1);
  m_choose = new QPushButton(icon(QStringLiteral("picture")), tr("Choose &inputs..."), this);
  m_choose->setObjectName(QStringLiteral("choose_pictures"));
  m_choose->setToolTip(tr("Pictures, recordings, tables, texts or tensors; you can also drop them here"));
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
  m_textRow = new QWidget(this);
  auto* textLayout = new QHBoxLayout(m_textRow);
  textLayout->setContentsMargins(0, 0, 0, 0);
  m_text = new QLineEdit(m_textRow);
  m_text->setObjectName(QStringLiteral("predict_text"));
  m_text->setAccessibleName(tr("Text"));
  m_text->setPlaceholderText(tr("A text; Enter predicts"));
  m_vocabularyButton = new QPushButton(tr("&Vocabulary..."), m_textRow);
  m_vocabularyButton->setObjectName(QStringLiteral("choose_vocabulary"));
  textLayout->addWidget(m_text, 1);
  textLayout->addWidget(m_vocabularyButton);
  grid->addWidget(m_textRow, 2, 0, 1, 2);
  grid->addWidget(m_choose, 3, 0, 1, 2);
  layout->addLayout(grid);
  m_picture = new QComboBox(this);
  m_picture->setObjectName(QStringLiteral("predict_picture"));
  m_picture->setAccessibleName(tr("Input"));
  m_picture->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_picture->setMinimumContentsLength(10);
  auto* pictureRow = new QHBoxLayout;
  pictureRow->addWidget(m_picture, 1);
  pictureRow->addWidget(m_predict);
  layout->addLayout(pictureRow);
}

void PredictView::buildResults(QVBoxLayout* layout) {
  m_stage = new QStackedWidget(this);
  m_view = new PictureView(m_stage);
  m_view->setObjectName(QStringLiteral("predict_view"));
  m_wave = new WaveView(m_stage);
  m_wave->setObjectName(QStringLiteral("predict_wave"));
  m_page = new QPlainTextEdit(m_stage);
  m_page->setObjectName(QStringLiteral("predict_page"));
  m_page->setAccessibleName(tr("Input"));
  m_page->setReadOnly(true);
  m_stage->addWidget(m_view);
  m_stage->addWidget(m_wave);
  m_stage->addWidget(m_page);
  layout->addWidget(m_stage, 3);
  m_section = new CollapsibleSection(tr("What the model sees"), this);
  m_section->setObjectName(QStringLiteral("input_section"));
  m_editor = new InputEditor(m_workspace, m_section);
  m_section->setContent(m_editor);
  m_section->setExpanded(false);
  layout->addWidget(m_section);
  m_status = new QLabel(this);
  m_status->setObjectName(QStringLiteral("predict_status"));
  m_status->setTextFormat(Qt::PlainText); // it quotes what a model says
  m_status->setWordWrap(true);
  m_status->setTextInteractionFlags(Qt::TextSelectableByMouse);
  layout->addWidget(m_status);
  m_results = new QTreeWidget(this);
  m_results->setObjectName(QStringLiteral("predict_results"));
  m_results->setAccessibleName(tr("Predictions"));
  m_results->setRootIsDecorated(false);
  m_results->setUniformRowHeights(true);
  m_results->setAlternatingRowColors(true);
  m_results->setColumnCount(2);
  m_results->header()->setStretchLastSection(false);
  m_results->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  m_results->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
  layout->addWidget(m_results, 2);
}

void PredictView::fillDevices() {
  const QVariant current = m_device->currentData();
  m_device->clear();
  m_device->addItem(icon(QStringLiteral("layers")), tr("Current placement"), QString());
  const QStringList ids = m_workspace.devices.visibleIds();
  for (int i = 0; i < ids.size(); ++i) m_device->addItem(deviceIcon(i, ids[i], palette()), ids[i], ids[i]);
  m_device->setCurrentIndex(std::max(0, m_device->findData(current)));
}

void PredictView::documentOpened() {
  m_labelsFile = toQString(m_workspace.document.document().labelsFile);
  m_vocabularyFile.clear();
  m_predictions.clear();
  show(m_picture->currentIndex());
  updateState();
}

QString PredictView::emptyText() const {
  if (!m_workspace.document.isOpen()) return tr("Open a model to try it on your own inputs");
  const session::Document& document = m_workspace.document.document();
  QStringList kinds;
  if (takes(document, "pictures")) kinds.append(tr("pictures (.png, .jpg)"));
  if (takes(document, "sound")) kinds.append(tr("recordings (.wav)"));
  if (takes(document, "text")) kinds.append(tr("texts (typed above, or a .txt with one per line)"));
  if (takes(document, "tables")) kinds.append(tr("tables (.csv)"));
  kinds.append(document.inputs.size() == 1
                   ? tr("tensors (.npy, .npz, .pb)")
                   : tr("tensors (.npz, or %n .npy or .pb files)", nullptr, static_cast<int>(document.inputs.size())));
  return tr("This model takes %1.\nChoose or drop some to see what it makes of them.")
      .arg(kinds.join(QStringLiteral(", ")));
}

void PredictView::updateState() {
  const bool ready = m_workspace.document.canRun();
  const session::Document& document = m_workspace.document.document();
  m_choose->setEnabled(ready && !m_busy);
  m_predict->setEnabled(ready && !m_busy && hasInput() && !m_workspace.runs.isActive());
  m_labelsButton->setEnabled(ready);
  m_labels->setText(m_labelsFile.isEmpty() ? tr("none: class numbers") : QFileInfo(m_labelsFile).fileName());
  m_labels->setToolTip(m_labelsFile);
  m_picture->setVisible(hasInput());
  m_textRow->setVisible(ready && takes(document, "text"));
  const QString vocabulary = m_vocabularyFile.isEmpty() ? toQString(document.vocabulary) : m_vocabularyFile;
  m_vocabularyButton->setToolTip(vocabulary.isEmpty() ? tr("The model's vocab.txt is not known yet") : vocabulary);
  m_section->setVisible(ready && m_editor->applies());
  if (!hasInput()) {
    m_stage->setCurrentWidget(m_view);
    m_view->setEmptyText(emptyText());
    m_view->setPicture({});
  }
}

void PredictView::choosePictures() {
  auto* dialog =
      new QFileDialog(this, tr("Choose inputs"), m_workspace.settings.lastFolder(QStringLiteral("pictures")),
                      tr("Inputs (*.png *.jpg *.jpeg *.wav *.csv *.tsv *.txt *.npy *.npz *.pb);;Pictures (*.png *.jpg "
                         "*.jpeg);;Recordings (*.wav);;Tables and texts (*.csv *.tsv *.txt);;Tensors (*.pb *.npy "
                         "*.npz);;All files (*)"));
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
    if (hasInput()) predict();
  });
  dialog->open();
}

void PredictView::chooseVocabulary() {
  auto* dialog = new QFileDialog(this, tr("Choose the model's vocabulary"),
                                 m_workspace.settings.lastFolder(QStringLiteral("vocabulary")),
                                 tr("Vocabularies (*.txt);;All files (*)"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::ExistingFile);
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& file) {
    m_workspace.settings.setLastFolder(QStringLiteral("vocabulary"), file);
    m_vocabularyFile = file;
    updateState();
    if (!m_typed.isEmpty()) predict();
  });
  dialog->open();
}

void PredictView::dragEnterEvent(QDragEnterEvent* event) {
  if (m_workspace.document.canRun() && !droppedInputs(event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void PredictView::dropEvent(QDropEvent* event) {
  const QStringList files = droppedInputs(event->mimeData());
  if (files.isEmpty() || m_busy) return;
  event->acceptProposedAction();
  setPictures(files);
  predict();
}

void PredictView::setPictures(const QStringList& files) {
  m_files = files;
  m_typed.clear();
  m_workspace.setPredictionInput(files);
  m_predictions.clear();
  fillNames();
}

void PredictView::setText(const QString& text) {
  m_files.clear();
  m_typed = text;
  m_text->setText(text);
  m_predictions.clear();
  fillNames();
}

/// One entry per prediction; before there are any, one per file.
void PredictView::fillNames() {
  QStringList names;
  for (const session::Prediction& prediction : m_predictions) names.append(toQString(prediction.input));
  if (names.isEmpty())
    for (const QString& file : m_files) names.append(QFileInfo(file).fileName());
  if (names.isEmpty() && !m_typed.isEmpty()) names.append(m_typed);
  {
    const QSignalBlocker blocker(m_picture);
    const int before = m_picture->currentIndex();
    m_picture->clear();
    m_picture->addItems(names);
    m_picture->setCurrentIndex(!m_predictions.empty() && before >= 0 && before < names.size() ? before : 0);
  }
  show(m_picture->currentIndex());
  updateState();
}

void PredictView::predict() {
  if (!hasInput() || m_busy || !m_workspace.document.canRun() || m_workspace.runs.isActive()) return;
  PredictSpec spec;
  spec.inputs = m_files;
  spec.text = m_typed;
  spec.vocabulary = m_vocabularyFile;
  spec.labels = m_labelsFile;
  m_editor->addTo(spec);
  spec.device = m_device->currentData().toString().toStdString();
  if (spec.device.empty()) spec.placement = m_workspace.document.placement();
  m_busy = true;
  m_status->setText(tr("Computing..."));
  updateState();
  m_workspace.engine.predict(m_workspace.document.ref(), spec,
                             [this](const Result<std::vector<session::Prediction>>& result) {
                               m_busy = false;
                               if (result.ok()) {
                                 if (!m_failure.isEmpty()) emit recovered(std::exchange(m_failure, {}));
                                 m_predictions = *result;
                                 fillNames();
                               } else {
                                 m_failure = errorHeadline(result.error());
                                 m_status->setText(m_failure);
                                 emit failed(result.error());
                               }
                               updateState();
                             });
}

QString PredictView::fileOf(int index) const {
  if (index < 0) return {};
  if (m_predictions.empty() || m_predictions.size() == static_cast<std::size_t>(m_files.size()))
    return index < m_files.size() ? m_files[index] : QString();
  if (static_cast<std::size_t>(index) >= m_predictions.size()) return {};
  const QString name = toQString(m_predictions[static_cast<std::size_t>(index)].input);
  for (const QString& file : m_files) {
    if (QFileInfo(file).fileName() == name) return file;
    if (QFileInfo(file).isDir() && QFileInfo::exists(file + QLatin1Char('/') + name))
      return file + QLatin1Char('/') + name;
  }
  return {};
}

void PredictView::addRow(const QString& name, const QString& value, const QString& toolTip) {
  auto* item = new QTreeWidgetItem({name, value});
  if (!toolTip.isEmpty()) item->setToolTip(0, toolTip);
  m_results->addTopLevelItem(item);
}

void PredictView::showOutputs(const session::Prediction& prediction) {
  for (const auto& output : prediction.outputs) addRow(toQString(output.name), tensorText(output));
}

void PredictView::showInput(int index) {
  const QString file = fileOf(index);
  m_wave->setCurve({}, {});
  m_editor->setFile(isPictureFile(file) || isSoundFile(file) ? file : QString());
  if (isSoundFile(file)) {
    m_wave->setWave({}, {}, 0);
    m_stage->setCurrentWidget(m_wave);
  } else if (isPictureFile(file)) {
    m_stage->setCurrentWidget(m_view);
  } else if (hasInput()) {
    m_stage->setCurrentWidget(m_page);
    QString text = m_typed;
    if (QFile source(file); isTextFile(file) && source.open(QIODevice::ReadOnly))
      text = QString::fromUtf8(source.read(kShownBytes));
    m_page->setPlainText(text.isEmpty() ? m_picture->itemText(index) : text);
  }
}

void PredictView::showResults(const session::Prediction& prediction) {
  if (!prediction.error.empty()) {
    m_status->setText(toQString(prediction.error));
    return;
  }
  for (const auto& box : prediction.boxes) addRow(toQString(box.label), formatPercent(box.score));
  for (const auto& top : prediction.top)
    addRow(top.label.empty() ? tr("class %1").arg(top.index) : toQString(top.label),
           QLocale().toString(top.score, 'f', 4), tr("class %1").arg(top.index));
  if (prediction.isText)
    addRow(toQString(prediction.text), formatPercent(prediction.textScore), toQString(prediction.text));
  QList<double> curve;
  for (const auto& row : prediction.rows) {
    QStringList values;
    for (double value : row.values) values.append(QLocale().toString(value, 'g', 4));
    if (!row.top.empty())
      values = {row.top.front().label.empty() ? tr("class %1").arg(row.top.front().index)
                                              : toQString(row.top.front().label)};
    addRow(toQString(row.label), values.join(QStringLiteral("  ")));
    if (row.values.size() == 1) curve.append(row.values.front());
  }
  if (!curve.isEmpty() && !prediction.outputs.empty())
    m_wave->setCurve(curve, toQString(prediction.outputs.front().name));
  const bool nothing = prediction.boxes.empty() && prediction.top.empty() && prediction.rows.empty();
  const bool tensors = nothing && !prediction.isDetector && !prediction.isText;
  if (tensors) showOutputs(prediction);
  if (tensors)
    m_results->setHeaderLabels({tr("Output"), tr("Tensor")});
  else if (prediction.isText)
    m_results->setHeaderLabels({tr("Text"), tr("Score")});
  else if (!prediction.rows.empty())
    m_results->setHeaderLabels({m_stage->currentWidget() == m_wave ? tr("Time") : tr("Row"),
                                prediction.rows.front().top.empty() ? tr("Values") : tr("Label")});
  QString text;
  if (prediction.isDetector)
    text = tr("%n object(s) found", nullptr, static_cast<int>(prediction.boxes.size())) + QStringLiteral(". ");
  else if (prediction.isText)
    text = tr("Reads: %1").arg(toQString(prediction.text)) + QLatin1Char('\n');
  else if (prediction.rowCount > 1)
    text = tr("%n row(s)", nullptr, static_cast<int>(prediction.rowCount)) + QStringLiteral(". ");
  text += (prediction.cold ? tr("%1 for one execution with cold caches.\n%2") : tr("%1 for one execution.\n%2"))
              .arg(formatMs(prediction.latencyMs), unbrokenIds(toQString(prediction.summary)));
  QStringList notes;
  for (const std::string& note : prediction.notes) notes.append(toQString(note));
  m_status->setToolTip(notes.join(QLatin1Char('\n')));
  if (m_stage->currentWidget() == m_page && !notes.isEmpty())
    m_page->setPlainText(m_page->toPlainText() + QStringLiteral("\n\n") + notes.join(QLatin1Char('\n')));
  m_status->setText(text);
}

void PredictView::show(int index) {
  m_results->clear();
  m_results->setHeaderLabels({tr("Label"), tr("Score")});
  m_status->clear();
  m_status->setToolTip({});
  if (index < 0 || !hasInput()) {
    updateState();
    return;
  }
  showInput(index);
  const bool known = static_cast<std::size_t>(index) < m_predictions.size();
  if (known) showResults(m_predictions[static_cast<std::size_t>(index)]);
  if (m_stage->currentWidget() != m_view) return;
  const QString file = fileOf(index);
  QImageReader reader(file);
  reader.setAutoTransform(true);
  const QImage image = reader.read();
  QList<PictureBox> boxes;
  if (known)
    for (const auto& box : m_predictions[static_cast<std::size_t>(index)].boxes)
      boxes.append({QRectF(QPointF(box.x0, box.y0), QPointF(box.x1, box.y1)), toQString(box.label), box.score});
  m_view->setPicture(image, boxes);
  m_view->setEmptyText(image.isNull() ? tr("%1 is no picture that can be shown").arg(QFileInfo(file).fileName())
                                      : QString());
}

} // namespace tandem::ui
