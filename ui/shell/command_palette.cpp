// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/shell/command_palette.hpp"

#include <QAction>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QTimer>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

QString plainText(QString text) {
  text.remove(QLatin1Char('&'));
  if (text.endsWith(QLatin1String("..."))) text.chop(3);
  return text;
}

} // namespace

int fuzzyScore(const QString& pattern, const QString& text) {
  int score = 0, run = 0;
  qsizetype at = 0;
  for (const QChar wanted : pattern) {
    if (wanted.isSpace()) continue;
    qsizetype found = -1;
    for (qsizetype i = at; i < text.size(); ++i) {
      if (text[i].toLower() == wanted.toLower()) {
        found = i;
        break;
      }
    }
    if (found < 0) return -1;
    const bool wordStart = found == 0 || !text[found - 1].isLetterOrNumber();
    run = found == at ? run + 1 : 0;
    score += 1 + (wordStart ? 8 : 0) + 3 * run;
    at = found + 1;
  }
  // Of equal matches, the shorter text is the closer one.
  return score * 100 - static_cast<int>(std::min<qsizetype>(text.size(), 99));
}

QString actionPath(const QAction* action) {
  QString path = plainText(action->text());
  const QAction* at = action;
  for (int depth = 0; depth < 4; ++depth) {
    const QMenu* menu = nullptr;
    for (QObject* object : at->associatedObjects()) {
      if (auto* found = qobject_cast<QMenu*>(object)) menu = found;
    }
    if (menu == nullptr || menu->title().isEmpty()) break;
    path.prepend(plainText(menu->title()) + QStringLiteral(" \u203a "));
    at = menu->menuAction();
  }
  return path;
}

CommandPalette::CommandPalette(const QList<QAction*>& actions, QWidget* parent) : QDialog(parent), m_actions(actions) {
  setObjectName(QStringLiteral("command_palette"));
  setWindowTitle(tr("Commands"));
  setAttribute(Qt::WA_DeleteOnClose);
  auto* layout = new QVBoxLayout(this);
  m_edit = new QLineEdit(this);
  m_edit->setPlaceholderText(tr("Type a few letters of a command"));
  m_edit->setAccessibleName(tr("Command"));
  m_edit->installEventFilter(this);
  m_list = new QListWidget(this);
  m_list->setAccessibleName(tr("Commands"));
  m_list->setAlternatingRowColors(true);
  layout->addWidget(m_edit);
  layout->addWidget(m_list);
  connect(m_edit, &QLineEdit::textChanged, this, &CommandPalette::fill);
  connect(m_edit, &QLineEdit::returnPressed, this, &CommandPalette::trigger);
  connect(m_list, &QListWidget::itemActivated, this, &CommandPalette::trigger);
  connect(m_list, &QListWidget::itemClicked, this, &CommandPalette::trigger);
  resize(fontMetrics().averageCharWidth() * 72, fontMetrics().height() * 24);
  fill({});
}

void CommandPalette::fill(const QString& pattern) {
  struct Hit {
    int score;
    qsizetype position;
  };
  QList<Hit> hits;
  for (qsizetype i = 0; i < m_actions.size(); ++i) {
    const int score = pattern.isEmpty() ? 0 : fuzzyScore(pattern, actionPath(m_actions[i]));
    if (score >= 0) hits.append({score, i});
  }
  std::stable_sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.score > b.score; });
  m_list->clear();
  for (const Hit& hit : hits) {
    const QAction* action = m_actions[hit.position];
    QString text = actionPath(action);
    const QString keys = action->shortcut().toString(QKeySequence::NativeText);
    if (!keys.isEmpty()) text += QStringLiteral("    [%1]").arg(keys);
    auto* item = new QListWidgetItem(action->icon(), text, m_list);
    item->setData(Qt::UserRole, static_cast<int>(hit.position));
    if (!action->isEnabled()) item->setFlags(item->flags() & ~Qt::ItemIsEnabled);
  }
  for (int row = 0; row < m_list->count(); ++row) {
    if (m_list->item(row)->flags() & Qt::ItemIsEnabled) {
      m_list->setCurrentRow(row);
      break;
    }
  }
}

QStringList CommandPalette::shown() const {
  QStringList texts;
  for (int row = 0; row < m_list->count(); ++row) texts << m_list->item(row)->text();
  return texts;
}

void CommandPalette::setPattern(const QString& pattern) { m_edit->setText(pattern); }

void CommandPalette::trigger() {
  const QListWidgetItem* item = m_list->currentItem();
  if (item == nullptr || !(item->flags() & Qt::ItemIsEnabled)) return;
  QAction* action = m_actions[item->data(Qt::UserRole).toInt()];
  accept();
  // After this dialog is gone: the action may open another one.
  QTimer::singleShot(0, action, &QAction::trigger);
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
  if (watched == m_edit && event->type() == QEvent::KeyPress) {
    auto* key = static_cast<QKeyEvent*>(event);
    const int step = key->key() == Qt::Key_Down ? 1 : key->key() == Qt::Key_Up ? -1 : 0;
    if (step != 0 && m_list->count() > 0) {
      m_list->setCurrentRow((m_list->currentRow() + step + m_list->count()) % m_list->count());
      return true;
    }
  }
  return QDialog::eventFilter(watched, event);
}

} // namespace tandem::ui
