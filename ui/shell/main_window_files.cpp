// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/labels.hpp"
#include "ui/shell/main_window.hpp"
#include "ui/shell/sizes_dialog.hpp"
#include "ui/shell/tune_dialog.hpp"
#include "ui/widgets/common/common.hpp"

#include <QComboBox>
#include <QDialog>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QPushButton>
#include <QStatusBar>

namespace tandem::ui {
namespace {

QString placementName(const DocumentModel& document) {
  return QFileInfo(sourceTitle(document.source())).completeBaseName() + QStringLiteral(".placement.json");
}

QFileDialog* fileDialog(QWidget* parent, const QString& name, const QString& title, const QString& folder,
                        const QString& filter) {
  auto* dialog = new QFileDialog(parent, title, folder, filter);
  dialog->setObjectName(name);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  return dialog;
}

} // namespace

void MainWindow::chooseModel() {
  auto* dialog =
      fileDialog(this, QStringLiteral("open_model_dialog"), tr("Open model"),
                 m_workspace.settings.lastFolder(QStringLiteral("model")),
                 tr("Models (*.onnx *.keras *.h5 *.hdf5);;ONNX models (*.onnx);;Keras models (*.keras *.h5 *.hdf5);;"
                    "All files (*)"));
  dialog->setFileMode(QFileDialog::ExistingFile);
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("model"), path);
    openModel(path);
  });
  dialog->open();
}

void MainWindow::choosePlacement() {
  auto* dialog = fileDialog(this, QStringLiteral("open_placement_dialog"), tr("Open placement"),
                            m_workspace.settings.lastFolder(QStringLiteral("placement")),
                            tr("Placements (*.placement.json *.json);;All files (*)"));
  dialog->setFileMode(QFileDialog::ExistingFile);
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("placement"), path);
    openPlacement(path);
  });
  dialog->open();
}

bool MainWindow::savePlacementTo(const QString& path) {
  const auto saved = m_workspace.document.savePlacement(path);
  if (!saved.ok()) {
    m_afterSave = {};
    m_workspace.log.add(Severity::Error, toQString(saved.error().line()));
    showError(saved.error());
    return false;
  }
  statusBar()->showMessage(tr("Saved %1").arg(path), 4000);
  if (const Slot next = std::exchange(m_afterSave, {})) next();
  return true;
}

void MainWindow::savePlacement() {
  if (m_workspace.document.placementFile().isEmpty())
    savePlacementAs();
  else
    savePlacementTo(m_workspace.document.placementFile());
}

void MainWindow::savePlacementAs() {
  auto* dialog =
      fileDialog(this, QStringLiteral("save_placement_dialog"), tr("Save placement"),
                 m_workspace.settings.lastFolder(QStringLiteral("placement")), tr("Placements (*.placement.json)"));
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("placement.json"));
  dialog->selectFile(placementName(m_workspace.document));
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("placement"), path);
    savePlacementTo(path);
  });
  connect(dialog, &QFileDialog::rejected, this, [this] { m_afterSave = {}; });
  dialog->open();
}

void MainWindow::exportPlacementJson() {
  auto* dialog =
      fileDialog(this, QStringLiteral("export_placement_dialog"), tr("Export placement"),
                 m_workspace.settings.lastFolder(QStringLiteral("placement")), tr("Placements (*.placement.json)"));
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("placement.json"));
  dialog->selectFile(placementName(m_workspace.document));
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    const auto written = writePlacementFile(path, m_workspace.document.placement());
    if (!written.ok())
      showError(written.error());
    else
      m_messages->showMessage(MessageKind::Success, tr("Placement exported"), path);
  });
  dialog->open();
}

void MainWindow::chooseExportFolder() {
  auto* dialog = fileDialog(this, QStringLiteral("export_folder_dialog"), tr("Export for ONNX Runtime into folder"),
                            m_workspace.settings.lastFolder(QStringLiteral("export")), {});
  dialog->setFileMode(QFileDialog::Directory);
  dialog->setOption(QFileDialog::ShowDirsOnly);
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& folder) {
    m_workspace.settings.setLastFolder(QStringLiteral("export"), folder);
    exportOnnxRuntime(folder, false);
  });
  dialog->open();
}

void MainWindow::exportOnnxRuntime(const QString& folder, bool overwrite) {
  m_workspace.engine.exportPlacement(
      m_workspace.document.ref(), m_workspace.document.placement(), QStringLiteral("onnxruntime"), folder, overwrite,
      [this, folder](const Result<session::ExportResult>& result) {
        if (!result.ok()) {
          m_workspace.log.add(Severity::Error, toQString(result.error().line()));
          showError(result.error());
          return;
        }
        QStringList files;
        for (const auto& file : result->files) files << toQString(file);
        for (const auto& note : result->notes) m_workspace.log.add(Severity::Info, toQString(note));
        m_workspace.log.add(Severity::Info, tr("Exported %1").arg(files.join(QStringLiteral(", "))));
        m_messages->showMessage(MessageKind::Success, tr("Exported for ONNX Runtime"),
                                tr("%n file(s) in %1", nullptr, static_cast<int>(files.size())).arg(folder));
        m_messages->setDetailToolTip(files.join(QLatin1Char('\n')));
      });
}

void MainWindow::closeModel() {
  whenSaved([this] {
    if (m_workspace.runs.isActive()) m_workspace.runs.stop();
    m_workspace.document.close();
  });
}

void MainWindow::whenSaved(const Slot& then) {
  if (!m_workspace.document.isOpen() || !m_workspace.document.isModified()) {
    then();
    return;
  }
  auto* box = new QMessageBox(
      QMessageBox::Question, tr("Save placement?"),
      tr("The placement of %1 has changes that are not saved.").arg(sourceTitle(m_workspace.document.source())),
      QMessageBox::Save | QMessageBox::Discard | QMessageBox::Cancel, this);
  box->setObjectName(QStringLiteral("unsaved_dialog"));
  box->setAttribute(Qt::WA_DeleteOnClose);
  box->setDefaultButton(QMessageBox::Save);
  connect(box, &QMessageBox::finished, this, [this, then](int button) {
    if (button == QMessageBox::Discard) {
      m_workspace.document.discardChanges();
      then();
    } else if (button == QMessageBox::Save) {
      m_afterSave = then;
      savePlacement();
    }
  });
  box->open();
}

void MainWindow::showTuning() { (new TuneDialog(m_workspace, this))->open(); }

void MainWindow::showSizes() { (new SizesDialog(m_workspace.document, this))->open(); }

void MainWindow::addRule() {
  auto* dialog = new QDialog(this);
  dialog->setObjectName(QStringLiteral("rule_dialog"));
  dialog->setWindowTitle(tr("Add rule"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  auto* form = new QFormLayout(dialog);
  auto* match = new QLineEdit(dialog);
  match->setAccessibleName(tr("Layers"));
  match->setPlaceholderText(tr("op:Conv or fire*/*"));
  auto* device = new QComboBox(dialog);
  device->setAccessibleName(tr("Device"));
  const QStringList ids = m_workspace.devices.visibleIds();
  for (int i = 0; i < ids.size(); ++i) device->addItem(deviceIcon(i, ids[i], palette()), ids[i]);
  auto* help =
      new QLabel(tr("A name or scope with * and ?, or op: and an operator. Later rules win; layers that you put "
                    "on a device one by one win over rules."),
                 dialog);
  help->setWordWrap(true);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, dialog);
  buttons->button(QDialogButtonBox::Ok)->setEnabled(false);
  form->addRow(tr("&Layers"), match);
  form->addRow(tr("&Device"), device);
  form->addRow(help);
  form->addRow(buttons);
  connect(match, &QLineEdit::textChanged, dialog, [buttons](const QString& text) {
    buttons->button(QDialogButtonBox::Ok)->setEnabled(!text.trimmed().isEmpty());
  });
  connect(buttons, &QDialogButtonBox::accepted, dialog, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
  connect(dialog, &QDialog::accepted, this,
          [this, match, device] { m_workspace.document.addRule(match->text().trimmed(), device->currentText()); });
  dialog->open();
}

} // namespace tandem::ui
