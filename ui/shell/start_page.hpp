// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QListWidget;
class QStackedWidget;

namespace tandem::ui {

/// What shows before a model is open: open one, try a sample, or learn.
class StartPage : public QWidget {
  Q_OBJECT
 public:
  explicit StartPage(Workspace& workspace, QWidget* parent = nullptr);
  void showChoices();
  void showSamples();
  void showGuide();

 signals:
  void openRequested();
  void sampleRequested(const QString& source);

 private:
  QWidget* makeChoices();
  QWidget* makeSamples();
  QWidget* makeGuide();
  void fillSamples();
  Workspace& m_workspace;
  QStackedWidget* m_pages;
  QListWidget* m_samples;
};

} // namespace tandem::ui
