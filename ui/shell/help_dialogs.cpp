// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/shell/help_dialogs.hpp"

#include "ui/core/icons.hpp"
#include "ui/shell/command_palette.hpp"

#include <QAction>
#include <QCoreApplication>
#include <QDialog>
#include <QDialogButtonBox>
#include <QLabel>
#include <QTextBrowser>
#include <QVBoxLayout>

namespace tandem::ui {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("tandem::ui::HelpDialogs", text); }

QDialog* textDialog(const QString& name, const QString& title, const QString& html, int columns, int lines,
                    QWidget* parent) {
  auto* dialog = new QDialog(parent);
  dialog->setObjectName(name);
  dialog->setWindowTitle(title);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  auto* layout = new QVBoxLayout(dialog);
  auto* text = new QTextBrowser(dialog);
  text->setAccessibleName(title);
  text->setFrameShape(QFrame::NoFrame);
  text->setOpenExternalLinks(true);
  text->setHtml(html);
  layout->addWidget(text);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, dialog);
  QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
  layout->addWidget(buttons);
  dialog->resize(dialog->fontMetrics().averageCharWidth() * columns, dialog->fontMetrics().height() * lines);
  return dialog;
}

} // namespace

QDialog* makeShortcutsDialog(const QList<QAction*>& actions, QWidget* parent) {
  QString html = QStringLiteral("<table cellpadding='3' width='100%'>");
  const auto row = [&](const QString& keys, const QString& what) {
    html += QStringLiteral("<tr><td style='white-space:nowrap'><b>%1</b></td><td>%2</td></tr>")
                .arg(keys.toHtmlEscaped(), what.toHtmlEscaped());
  };
  for (const QAction* action : actions) {
    if (action->shortcuts().isEmpty()) continue;
    QStringList keys;
    for (const QKeySequence& key : action->shortcuts()) keys << key.toString(QKeySequence::NativeText);
    row(keys.join(QStringLiteral(", ")), actionPath(action));
  }
  html += QStringLiteral("</table><h4>%1</h4><table cellpadding='3'>").arg(tr("On the graph"));
  row(QStringLiteral("1 ... 9"), tr("put the selected layers on that device of the list"));
  row(QStringLiteral("0"), tr("back to the default device"));
  row(tr("Space"), tr("fit the graph into the window"));
  row(QStringLiteral("+ -"), tr("zoom"));
  row(tr("Arrows"), tr("walk along the edges; Shift extends the selection"));
  row(tr("Enter"), tr("expand or collapse a group"));
  row(QStringLiteral("* /"), tr("expand or collapse all groups"));
  row(tr("Home, End"), tr("first and last layer"));
  row(QStringLiteral("M, L"), tr("overview map, legend"));
  row(tr("Esc"), tr("clear the selection"));
  html += QStringLiteral("</table>");
  return textDialog(QStringLiteral("shortcuts_dialog"), tr("Keyboard shortcuts"), html, 76, 32, parent);
}

QDialog* makeAboutDialog(QWidget* parent) {
  const QString html =
      QStringLiteral("<h2>Tandem %1</h2>").arg(QStringLiteral(TANDEM_VERSION)) + helpText(QStringLiteral("about"));
  return textDialog(QStringLiteral("about_dialog"), tr("About Tandem"), html, 72, 28, parent);
}

QDialog* makeGuideDialog(QWidget* parent) {
  return textDialog(QStringLiteral("guide_dialog"), tr("Guide"), helpText(QStringLiteral("guide")), 84, 34, parent);
}

} // namespace tandem::ui
