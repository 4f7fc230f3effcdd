// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/shell/sizes_dialog.hpp"

#include "ui/core/labels.hpp"

#include <QDialogButtonBox>
#include <QGridLayout>
#include <QLabel>
#include <QPointer>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>

namespace tandem::ui {
namespace {

QString placesOf(const session::FreeDimSummary& dim) {
  QStringList places;
  for (const std::string& place : dim.where) places << toQString(place);
  return places.join(QStringLiteral(", "));
}

} // namespace

SizesDialog::SizesDialog(DocumentModel& document, QWidget* parent) : QDialog(parent), m_document(document) {
  setObjectName(QStringLiteral("sizes_dialog"));
  setWindowTitle(tr("Input sizes"));
  setAttribute(Qt::WA_DeleteOnClose);
  auto* layout = new QVBoxLayout(this);
  auto* text = new QLabel(tr("The model leaves these sizes open. They decide the shapes that are shown, and what is "
                             "measured without an input of your own; predictions take the sizes of their input."),
                          this);
  text->setWordWrap(true);
  layout->addWidget(text);

  auto* grid = new QGridLayout;
  grid->setColumnStretch(2, 1);
  grid->setHorizontalSpacing(fontMetrics().averageCharWidth() * 2);
  for (const session::FreeDimSummary& dim : document.document().freeDims) {
    const int row = static_cast<int>(m_rows.size());
    auto* size = new QSpinBox(this);
    size->setObjectName(QStringLiteral("size_%1").arg(row));
    size->setRange(0, 1 << 24);
    size->setValue(static_cast<int>(std::min<std::int64_t>(dim.size, 1 << 24)));
    size->setAccessibleName(toQString(dim.key));
    auto* name = new QLabel(toQString(dim.key), this);
    name->setTextFormat(Qt::PlainText);
    name->setBuddy(size);
    auto* note = new QLabel(dim.chosen ? tr("%1: chosen").arg(placesOf(dim))
                                       : tr("%1: guessed, %2").arg(placesOf(dim), toQString(dim.reason)),
                            this);
    note->setTextFormat(Qt::PlainText);
    note->setWordWrap(true);
    note->setEnabled(false);
    grid->addWidget(name, row, 0);
    grid->addWidget(size, row, 1);
    grid->addWidget(note, row, 2);
    m_rows << Row{dim.key, size, dim.chosen, size->value()};
  }
  layout->addLayout(grid);

  m_problem = new QLabel(toQString(document.document().sizesProblem), this);
  m_problem->setObjectName(QStringLiteral("sizes_problem"));
  m_problem->setTextFormat(Qt::PlainText);
  m_problem->setWordWrap(true);
  m_problem->setVisible(!m_problem->text().isEmpty());
  layout->addWidget(m_problem);
  layout->addStretch();

  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this);
  m_apply = buttons->button(QDialogButtonBox::Ok);
  m_apply->setText(tr("Use these sizes"));
  auto* guess = buttons->addButton(tr("Guess again"), QDialogButtonBox::ResetRole);
  guess->setObjectName(QStringLiteral("guess_sizes"));
  connect(guess, &QPushButton::clicked, this, &SizesDialog::showGuesses);
  connect(buttons, &QDialogButtonBox::accepted, this, &SizesDialog::apply);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(&document, &DocumentModel::closed, this, &QDialog::reject);
  layout->addWidget(buttons);
  resize(fontMetrics().averageCharWidth() * 80, sizeHint().height());
}

void SizesDialog::showGuesses() {
  m_reset = true;
  apply();
}

/// A size that was a guess and was not touched stays one.
void SizesDialog::apply() {
  EngineBridge::Sizes sizes;
  for (const Row& row : m_rows)
    if (!m_reset && (row.chosen || row.size->value() != row.shown)) sizes[row.key] = row.size->value();
  m_reset = false;
  m_apply->setEnabled(false);
  m_document.setSizes(sizes, [guard = QPointer<SizesDialog>(this)](const std::optional<Error>& error) {
    if (!guard) return;
    if (!error) {
      guard->accept();
      return;
    }
    guard->m_apply->setEnabled(true);
    guard->m_problem->setText(toQString(error->line()));
    guard->m_problem->show();
  });
}

} // namespace tandem::ui
