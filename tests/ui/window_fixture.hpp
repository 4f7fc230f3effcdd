// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "tests/ui/fake_session.hpp"
#include "ui/panels/layers/layers_panel.hpp"
#include "ui/shell/main_window.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include <memory>

namespace tandem::ui::test {

template <class Condition> bool eventually(Condition condition, int timeoutMs = 5000) {
  return QTest::qWaitFor(condition, timeoutMs);
}

/// The whole window on a fake engine.
class Window : public ::testing::Test {
 protected:
  Window() { make(); }

  void make() {
    window.reset();
    workspace.reset();
    WorkspaceOptions options;
    options.session = engine.factory();
    options.settingsPath = folder.filePath(QStringLiteral("workbench.ini"));
    options.autosaveFolder = folder.filePath(QStringLiteral("unsaved"));
    workspace = std::make_unique<Workspace>(options);
    window = std::make_unique<MainWindow>(*workspace);
    window->resize(1200, 800);
    window->show();
    workspace->engine.start();
    EXPECT_TRUE(eventually([&] { return workspace->isIdle() && !workspace->devices.list().devices.empty(); }));
  }

  void open(const QString& source = QStringLiteral("/models/small.onnx")) {
    window->openModel(source);
    EXPECT_TRUE(eventually([&] { return workspace->document.isOpen() && idle(); }));
  }
  bool idle() const { return workspace->isIdle() && window->layers().canvas()->isLayoutDone(); }
  void settle() {
    EXPECT_TRUE(eventually([&] { return idle(); }));
  }
  QString requested(int node) const { return workspace->document.requestedOf(node); }
  QString effective(int node) const { return workspace->document.effectiveOf(node); }

  QTemporaryDir folder;
  FakeEngine engine;
  std::unique_ptr<Workspace> workspace;
  std::unique_ptr<MainWindow> window;
};

} // namespace tandem::ui::test
