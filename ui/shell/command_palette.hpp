// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QDialog>
#include <QList>

class QAction;
class QLineEdit;
class QListWidget;

namespace tandem::ui {

/// How well `pattern` matches `text` as a subsequence, ignoring case: higher is better, negative is no match. Starts of
/// words and runs of letters count more.
[[nodiscard]] int fuzzyScore(const QString& pattern, const QString& text);

/// "Placement > All on CPU:0" for an action in menus, without mnemonics and dots.
[[nodiscard]] QString actionPath(const QAction* action);

/// Finds an action by a few letters and triggers it.
class CommandPalette : public QDialog {
  Q_OBJECT
 public:
  CommandPalette(const QList<QAction*>& actions, QWidget* parent);
  [[nodiscard]] QStringList shown() const;
  void setPattern(const QString& pattern);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void fill(const QString& pattern);
  void trigger();
  QList<QAction*> m_actions;
  QLineEdit* m_edit;
  QListWidget* m_list;
};

} // namespace tandem::ui
