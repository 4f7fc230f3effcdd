// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/input_editor.hpp"

#include "ui/core/labels.hpp"
#include "ui/widgets/common/common.hpp"

#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QPushButton>
#include <QTimer>

namespace tandem::ui {

InputEditor::InputEditor(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(0, 0, 0, 0);
  m_edit = new QLineEdit(this);
  m_edit->setObjectName(QStringLiteral("input_spec"));
  m_edit->setAccessibleName(tr("How inputs become tensors"));
  m_edit->setClearButtonEnabled(true);
  m_reset = new QPushButton(tr("Reset to g&uess"), this);
  m_reset->setObjectName(QStringLiteral("input_spec_reset"));
  m_message = new QLabel(this);
  m_message->setObjectName(QStringLiteral("input_spec_message"));
  m_message->setWordWrap(true);
  m_message->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_view = new PictureView(this);
  m_view->setObjectName(QStringLiteral("input_preview"));
  m_view->setAccessibleName(tr("The picture as the model sees it"));
  m_view->setMinimumHeight(fontMetrics().height() * 7);
  m_view->setMaximumHeight(fontMetrics().height() * 9); // the picture with its results needs the room more
  grid->setColumnStretch(0, 1);
  grid->addWidget(m_edit, 0, 0, 1, 2);
  grid->addWidget(m_message, 1, 0);
  grid->addWidget(m_reset, 1, 1, Qt::AlignTop);
  grid->addWidget(m_view, 2, 0, 1, 2);
  m_pause = new QTimer(this);
  m_pause->setSingleShot(true);
  m_pause->setInterval(300);
  connect(m_pause, &QTimer::timeout, this, &InputEditor::check);
  connect(m_edit, &QLineEdit::textEdited, this, [this] {
    m_changed = true;
    m_pause->start();
  });
  connect(m_edit, &QLineEdit::returnPressed, this, [this] {
    m_changed = true;
    m_pause->stop();
    check();
  });
  connect(m_reset, &QPushButton::clicked, this, &InputEditor::reset);
  connect(&m_workspace.document, &DocumentModel::opened, this, &InputEditor::load);
  load();
}

QString InputEditor::text() const { return m_edit->text().trimmed(); }

void InputEditor::load() {
  const session::Document& document = m_workspace.document.document();
  m_kind.clear();
  if (!document.preprocess.empty())
    m_kind = QStringLiteral("preprocess");
  else if (!document.audio.empty())
    m_kind = QStringLiteral("audio");
  m_guess = toQString(m_kind == QLatin1String("audio") ? document.audio : document.preprocess);
  const QString kept = m_workspace.settings.inputSpec(m_kind, toQString(document.sha256));
  m_edit->setText(kept.isEmpty() ? m_guess : kept);
  m_edit->setCursorPosition(0);
  m_edit->setToolTip(m_kind == QLatin1String("audio")
                         ? tr("rate: samples per second, window: samples per step, hop: samples from step to step")
                         : tr("resize=256 crop=224, or resize=224x224,crop=none|center|letterbox; order=rgb|bgr|gray; "
                              "scale, mean, std; layout=nchw|nhwc; invert=no|yes|auto; type"));
  m_view->setVisible(m_kind == QLatin1String("preprocess"));
  m_changed = false;
  m_file.clear();
  m_view->setPicture({});
  m_view->setEmptyText(tr("Choose a picture to see what becomes of it"));
  const bool guessed = kept.isEmpty() && (m_kind == QLatin1String("audio") || !document.preprocessCertain);
  m_message->setText(!kept.isEmpty() ? tr("Kept from last time.")
                     : guessed       ? tr("A guess: look whether the model sees what you mean.")
                                     : tr("The model says so itself."));
  m_reset->setEnabled(text() != m_guess);
}

void InputEditor::addTo(PredictSpec& spec) const {
  if (text() == m_guess) return;
  if (m_kind == QLatin1String("preprocess")) spec.preprocess = text();
  if (m_kind == QLatin1String("audio")) spec.audio = text();
}

void InputEditor::setFile(const QString& file) {
  m_file = file;
  m_view->setPicture({});
  if (!m_file.isEmpty()) check();
}

void InputEditor::reset() {
  m_edit->setText(m_guess);
  m_edit->setCursorPosition(0);
  m_changed = true;
  check();
}

void InputEditor::check() {
  m_pause->stop();
  if (!applies() || !m_workspace.document.canRun()) return;
  m_reset->setEnabled(text() != m_guess);
  PredictSpec spec;
  // Without a file, a made-up input would not use the text: it is checked when a file is there.
  if (m_file.isEmpty()) {
    m_changed = false;
    return;
  }
  spec.inputs = QStringList{m_file};
  addTo(spec);
  m_workspace.engine.preview(m_workspace.document.ref(), spec, [this](const Result<session::InputPreview>& result) {
    if (!result.ok()) {
      m_message->setText(errorHeadline(result.error()));
      m_message->setToolTip(toQString(result.error().line()));
      m_view->setPicture({});
      m_view->setEmptyText({});
      return;
    }
    showPreview(*result);
    emit previewed(*result);
    if (!m_changed) return;
    m_changed = false;
    const QString sha = toQString(m_workspace.document.document().sha256);
    m_workspace.settings.setInputSpec(m_kind, sha, text() == m_guess ? QString() : text());
    emit edited();
  });
}

void InputEditor::showPreview(const session::InputPreview& preview) {
  m_message->setToolTip({});
  if (preview.kind != "picture") {
    QStringList notes;
    for (const std::string& note : preview.notes) notes.append(toQString(note));
    m_message->setText(notes.join(QStringLiteral("; ")));
    return;
  }
  const QByteArray pixels = QByteArray::fromBase64(QByteArray::fromStdString(preview.rgb));
  if (preview.width <= 0 || preview.height <= 0 ||
      pixels.size() != static_cast<qsizetype>(preview.width) * preview.height * 3)
    return;
  const QImage image(reinterpret_cast<const uchar*>(pixels.constData()), preview.width, preview.height,
                     preview.width * 3, QImage::Format_RGB888);
  m_view->setPicture(image.copy());
  m_message->setText(tr("%1, values %2 to %3")
                         .arg(toQString(preview.desc), QLocale().toString(preview.minimum, 'g', 4),
                              QLocale().toString(preview.maximum, 'g', 4)));
}

} // namespace tandem::ui
