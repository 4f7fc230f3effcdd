// SPDX-License-Identifier: GPL-3.0-or-later
// The window on a fake engine: what the user does, what the engine is asked, what shows.
#include "tests/ui/window_fixture.hpp"
#include "ui/core/labels.hpp"
#include "ui/panels/charts/charts_panel.hpp"
#include "ui/panels/layers/layers_panel.hpp"
#include "ui/panels/run/deployment_editor.hpp"
#include "ui/panels/run/predict_view.hpp"
#include "ui/panels/run/run_panel.hpp"
#include "ui/shell/command_palette.hpp"
#include "ui/shell/control_socket.hpp"
#include "ui/shell/main_window.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QDir>
#include <QDockWidget>
#include <QFile>
#include <QJsonArray>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeView>

#include <gtest/gtest.h>

namespace tandem::ui::test {
namespace {

TEST_F(Window, OpensAModelAndShowsItsSummary) {
  open();
  EXPECT_EQ(workspace->document.nodeCount(), 3);
  EXPECT_EQ(window->layers().canvas()->scene().nodeCount(), 3);
  EXPECT_EQ(window->summaryText(), QStringLiteral("3 nodes (0 unsupported op)"));
  EXPECT_TRUE(window->windowTitle().startsWith(QStringLiteral("small.onnx")));
  EXPECT_EQ(workspace->settings.recentFiles().first(), QStringLiteral("/models/small.onnx"));
}

TEST_F(Window, CopiesOnTheSameCoresAreWarnedOfAndSeparatedWithOneClick) {
  const auto shared = [](const Json&) -> Result<Json> {
    Json list = twoDevices();
    for (Json& device : list["devices"]) device["cores"] = "0-1";
    return list;
  };
  engine.handlers[session::method::kDevices] = shared;
  open();
  workspace->devices.reload();
  settle();
  auto* hint = window->findChild<QWidget*>(QStringLiteral("shared_cores"));
  ASSERT_NE(hint, nullptr);
  EXPECT_FALSE(hint->isHidden());
  EXPECT_TRUE(window->findChild<QLabel*>(QStringLiteral("shared_cores_text"))
                  ->text()
                  .contains(QStringLiteral("CPU:0 and OPENCL-CPU:0 compute on the same cores (0-1)")));
  window->findChild<QPushButton*>(QStringLiteral("separate_cores"))->click();
  EXPECT_EQ(engine.last(session::method::kConfigure).value("cores", std::string()), "0;1");
  settle(); // the engine answers with devices on cores of their own
  EXPECT_TRUE(hint->isHidden());
}

TEST_F(Window, NumberKeysAssignTheSelectionAndTheReasonOfAMoveIsKept) {
  open();
  workspace->selection.select({1, 2});
  GraphCanvas* canvas = window->layers().canvas();
  EXPECT_EQ(canvas->selection(), (QList<int>{1, 2}));
  canvas->setFocus();
  QTest::keyClick(canvas, Qt::Key_2);
  EXPECT_EQ(requested(1), QStringLiteral("OPENCL-CPU:0"));
  settle();
  EXPECT_EQ(effective(1), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(requested(2), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(effective(2), QStringLiteral("CPU:0"));
  EXPECT_EQ(workspace->document.reasonOf(2), QStringLiteral("unsupported op"));
  EXPECT_EQ(window->summaryText(), QStringLiteral("3 nodes (1 unsupported op)"));
  EXPECT_TRUE(window->isWindowModified());
  QTest::keyClick(canvas, Qt::Key_0);
  EXPECT_EQ(requested(1), QStringLiteral("CPU:0"));
}

TEST_F(Window, EveryEditCanBeUndoneAndRedone) {
  open();
  workspace->selection.select({0});
  workspace->document.assign({0}, QStringLiteral("OPENCL-CPU:0"));
  workspace->document.assignAll(QStringLiteral("OPENCL-CPU:0"));
  window->action(QStringLiteral("alternate_layers"))->trigger();
  EXPECT_EQ(requested(1), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(requested(0), QStringLiteral("CPU:0"));
  QAction* undo = window->action(QStringLiteral("undo"));
  undo->trigger();
  EXPECT_EQ(requested(0), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_TRUE(workspace->document.placement().nodes.empty());
  undo->trigger();
  undo->trigger();
  EXPECT_EQ(requested(0), QStringLiteral("CPU:0"));
  EXPECT_FALSE(window->isWindowModified());
  window->action(QStringLiteral("redo"))->trigger();
  EXPECT_EQ(requested(0), QStringLiteral("OPENCL-CPU:0"));
}

TEST_F(Window, EditsOfOneGestureAreOneUndoStep) {
  open();
  workspace->document.assign({0}, QStringLiteral("OPENCL-CPU:0"), 7);
  workspace->document.assign({1}, QStringLiteral("OPENCL-CPU:0"), 7);
  workspace->document.assign({2}, QStringLiteral("OPENCL-CPU:0"), 8);
  EXPECT_EQ(workspace->document.undoStack()->count(), 2);
}

TEST_F(Window, ManyEditsAreAskedAboutTogether) {
  open();
  const int before = engine.count(session::method::kPlacement);
  for (int i = 0; i < 50; ++i)
    workspace->document.assign({i % 3}, i % 2 ? QStringLiteral("CPU:0") : QStringLiteral("OPENCL-CPU:0"));
  settle();
  EXPECT_LE(engine.count(session::method::kPlacement) - before, 2);
  EXPECT_EQ(effective(1), requested(1));
}

TEST_F(Window, SelectsByOperatorScopeAndDependence) {
  open();
  EXPECT_EQ(workspace->document.sameScope({0}), (QList<int>{0, 1}));
  EXPECT_EQ(workspace->document.sameOperator({2}), (QList<int>{2}));
  EXPECT_EQ(workspace->document.downstream({1}), (QList<int>{1, 2}));
  EXPECT_EQ(workspace->document.upstream({1}), (QList<int>{0, 1}));
  EXPECT_EQ(workspace->document.producersOf({1, 2}), QList<int>{0});
  EXPECT_EQ(workspace->document.consumersOf({0}), QList<int>{1});
}

TEST_F(Window, ABadFileIsExplainedAndTheOpenDocumentStays) {
  open();
  workspace->document.assign({0}, QStringLiteral("OPENCL-CPU:0"));
  workspace->document.savePlacement(folder.filePath(QStringLiteral("p.placement.json"))).value();
  window->openModel(QStringLiteral("/models/bad.onnx"));
  EXPECT_TRUE(eventually([&] { return window->messages().isVisible(); }));
  EXPECT_EQ(window->messages().kind(), MessageKind::Error);
  EXPECT_EQ(window->messages().text(), QStringLiteral("The file is no ONNX model"));
  EXPECT_EQ(workspace->document.source(), QStringLiteral("/models/small.onnx"));
  EXPECT_EQ(requested(0), QStringLiteral("OPENCL-CPU:0"));
}

TEST_F(Window, PlacementsAreSavedReopenedAndRefusedWhenDamaged) {
  open();
  workspace->document.assign({1}, QStringLiteral("OPENCL-CPU:0"));
  const QString path = folder.filePath(QStringLiteral("mine.placement.json"));
  EXPECT_TRUE(window->savePlacementTo(path));
  EXPECT_FALSE(window->isWindowModified());
  window->action(QStringLiteral("reset_placement"))->trigger();
  EXPECT_EQ(requested(1), QStringLiteral("CPU:0"));
  EXPECT_TRUE(workspace->document.loadPlacement(path).ok());
  EXPECT_EQ(requested(1), QStringLiteral("OPENCL-CPU:0"));
  const auto write = [&](const char* name, const char* text) {
    QFile file(folder.filePath(QLatin1String(name)));
    EXPECT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(text);
    return file.fileName();
  };
  for (const char* text : {"", "{", "{\"nodes\":{}}", "{\"format\":\"tandem-placement\",\"version\":2,\"nodes\":{}}",
                           "{\"format\":\"tandem-placement\",\"version\":1,\"rules\":3}"}) {
    const auto loaded = workspace->document.loadPlacement(write("broken.placement.json", text));
    ASSERT_FALSE(loaded.ok()) << text;
    EXPECT_FALSE(loaded.error().message.empty());
  }
  EXPECT_EQ(requested(1), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_FALSE(window->savePlacementTo(QStringLiteral("/nowhere/at/all.placement.json")));
  EXPECT_EQ(window->messages().kind(), MessageKind::Error);
}

TEST_F(Window, RunsTheClassicDeploymentAndDrawsItsSnapshots) {
  open();
  window->action(QStringLiteral("run"))->trigger();
  ASSERT_TRUE(engine.isRunning());
  const Json asked = engine.last(session::method::kRun);
  ASSERT_EQ(asked.at("replicas").size(), 2u);
  EXPECT_EQ(asked.at("replicas")[0].at("device"), "CPU:0");
  EXPECT_EQ(asked.at("replicas")[1].at("device"), "OPENCL-CPU:0");
  EXPECT_EQ(asked.at("handle"), 11);
  EXPECT_FALSE(window->action(QStringLiteral("run"))->isEnabled());
  engine.sendSnapshot(snapshotJson(-0.5));
  EXPECT_TRUE(eventually([&] { return workspace->runs.phaseText() == QStringLiteral("Warming up"); }));
  for (int i = 1; i <= 5; ++i) engine.sendSnapshot(snapshotJson(i * 0.1));
  EXPECT_TRUE(eventually([&] { return workspace->runs.state() == RunController::State::Running; }));
  const auto* phase = window->findChild<ElidedLabel*>(QStringLiteral("run_phase"));
  ASSERT_NE(phase, nullptr);
  EXPECT_TRUE(eventually([&] { return phase->text() == QStringLiteral("Measuring  0.5 / 10 s"); }))
      << phase->text().toStdString();
  engine.finishRun(reportJson(false));
  EXPECT_TRUE(eventually([&] { return !workspace->runs.isActive(); }));
  EXPECT_TRUE(workspace->runs.report().has_value());
  EXPECT_EQ(workspace->history.rowCount(), 1);
  EXPECT_TRUE(window->charts().summary(QStringLiteral("latency")).contains(QStringLiteral("C p95")));
  EXPECT_TRUE(window->charts().summary(QStringLiteral("throughput")).contains(QStringLiteral("total")));
  EXPECT_TRUE(window->charts().summary(QStringLiteral("memory")).contains(QStringLiteral("CPU:0")));
}

TEST_F(Window, StopEndsTheRunAndKeepsItsReport) {
  open();
  window->action(QStringLiteral("run"))->trigger();
  window->action(QStringLiteral("stop"))->trigger();
  EXPECT_EQ(engine.cancels, 1);
  EXPECT_EQ(workspace->runs.state(), RunController::State::Stopping);
  engine.finishRun(reportJson(true));
  EXPECT_TRUE(eventually([&] { return !workspace->runs.isActive(); }));
  EXPECT_TRUE(workspace->runs.report()->stopped);
}

TEST_F(Window, ALostWorkerIsReplacedAndTheRunCanBeRepeated) {
  open();
  workspace->document.assign({1}, QStringLiteral("OPENCL-CPU:0"));
  settle();
  window->action(QStringLiteral("run"))->trigger();
  engine.sendSnapshot(snapshotJson(0.2));
  engine.kill("the engine worker was killed (signal 9)");
  EXPECT_TRUE(eventually([&] { return engine.starts == 2 && idle(); }));
  EXPECT_TRUE(window->messages().isVisible());
  EXPECT_EQ(window->messages().text(), QStringLiteral("The engine worker was killed (signal 9)"));
  EXPECT_EQ(workspace->engine.workerPid(), 1002);
  EXPECT_EQ(requested(1), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(workspace->document.undoStack()->count(), 1);
  EXPECT_EQ(workspace->document.document().handle, 12);
  window->action(QStringLiteral("run_again"))->trigger();
  ASSERT_TRUE(engine.isRunning());
  EXPECT_EQ(engine.last(session::method::kRun).at("handle"), 12);
  engine.finishRun(reportJson(false));
  EXPECT_TRUE(eventually([&] { return workspace->runs.report().has_value(); }));
}

TEST_F(Window, AnEngineThatCannotStartIsSaidOnceAndCanBeRestarted) {
  engine.failToStart = true;
  workspace->engine.start();
  EXPECT_TRUE(eventually([&] { return window->messages().isVisible(); }));
  EXPECT_EQ(window->messages().kind(), MessageKind::Error);
  engine.failToStart = false;
  window->action(QStringLiteral("restart_engine"))->trigger();
  EXPECT_TRUE(eventually([&] { return workspace->engine.isReady(); }));
}

TEST_F(Window, ExportsForOnnxRuntimeThroughTheEngine) {
  open();
  workspace->document.assign({1}, QStringLiteral("OPENCL-CPU:0"));
  window->exportOnnxRuntime(QStringLiteral("/tmp/out"), true);
  settle();
  const Json asked = engine.last(session::method::kExport);
  EXPECT_EQ(asked.at("to"), "onnxruntime");
  EXPECT_EQ(asked.at("folder"), "/tmp/out");
  EXPECT_EQ(asked.at("placement").at("nodes").at("stem/relu"), "OPENCL-CPU:0");
  EXPECT_TRUE(eventually([&] { return window->messages().kind() == MessageKind::Success; }));
}

TEST_F(Window, CopiesTheRunAsACommand) {
  open();
  window->action(QStringLiteral("copy_command"))->trigger();
  const QString command = QGuiApplication::clipboard()->text();
  EXPECT_TRUE(command.startsWith(QStringLiteral("tandem run /models/small.onnx")));
  EXPECT_TRUE(command.contains(QStringLiteral("--replica CPU:0 --replica OPENCL-CPU:0")));
}

TEST_F(Window, SizesThatTheModelLeavesOpenAreChosenAndKeptByANewWorker) {
  open(QStringLiteral("/models/open-sizes.onnx"));
  ASSERT_TRUE(window->action(QStringLiteral("input_sizes"))->isEnabled());
  workspace->document.assign({1}, QStringLiteral("OPENCL-CPU:0"));
  window->action(QStringLiteral("input_sizes"))->trigger();
  auto* dialog = window->findChild<QDialog*>(QStringLiteral("sizes_dialog"));
  ASSERT_NE(dialog, nullptr);
  auto* size = dialog->findChild<QSpinBox*>(QStringLiteral("size_0"));
  ASSERT_EQ(size->value(), 64);
  auto* use = dialog->findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Ok);

  size->setValue(1000);
  use->click();
  auto* problem = dialog->findChild<QLabel*>(QStringLiteral("sizes_problem"));
  EXPECT_TRUE(eventually([&] { return problem->isVisible(); }));
  EXPECT_TRUE(problem->text().contains(QStringLiteral("512 positions"))) << problem->text().toStdString();
  EXPECT_EQ(workspace->document.document().freeDims[0].size, 64);

  size->setValue(7);
  use->click();
  EXPECT_TRUE(eventually([&] { return workspace->document.document().freeDims[0].chosen && idle(); }));
  EXPECT_EQ(workspace->document.document().values[0].shape, (std::vector<std::int64_t>{1, 7}));
  EXPECT_EQ(requested(1), QStringLiteral("OPENCL-CPU:0")) << "the placement stays";
  window->action(QStringLiteral("copy_command"))->trigger();
  EXPECT_TRUE(QGuiApplication::clipboard()->text().contains(QStringLiteral("--dim tokens=7")));

  engine.kill("the engine worker was killed (signal 9)");
  EXPECT_TRUE(eventually([&] { return engine.starts == 2 && idle(); }));
  EXPECT_EQ(engine.last(session::method::kOpen).at("dims").at("tokens"), 7);
}

TEST_F(Window, AModelWithFixedSizesHasNoneToChoose) {
  open();
  EXPECT_FALSE(window->action(QStringLiteral("input_sizes"))->isEnabled());
}

TEST_F(Window, PredictsPicturesWithLabels) {
  open();
  PredictView* view = window->runPanel().predictions();
  view->setPictures({QStringLiteral("/nowhere/cat.png")});
  view->predict();
  EXPECT_TRUE(eventually([&] { return !view->predictions().empty(); }));
  EXPECT_EQ(engine.last(session::method::kPredict).at("inputs")[0], "/nowhere/cat.png");
  EXPECT_EQ(view->predictions().front().top.front().label, "tabby cat");
}

TEST_F(Window, APredictionThatWorksTakesBackTheErrorOfTheOneBefore) {
  open();
  const auto works = engine.handlers[session::method::kPredict];
  engine.handlers[session::method::kPredict] = [](const Json&) -> Result<Json> {
    return makeError(ErrorCode::Usage, "the model's vocabulary is not known", "text", "--vocab vocab.txt");
  };
  PredictView* view = window->runPanel().predictions();
  view->setPictures({QStringLiteral("/nowhere/cat.png")});
  view->predict();
  EXPECT_TRUE(eventually([&] { return window->messages().isVisible(); }));
  EXPECT_EQ(window->messages().text(), QStringLiteral("The model's vocabulary is not known"));
  engine.handlers[session::method::kPredict] = works;
  view->predict();
  EXPECT_TRUE(eventually([&] { return !view->predictions().empty(); }));
  EXPECT_FALSE(window->messages().isVisible());
}

TEST_F(Window, TheEmptyPredictionViewSaysWhatTheModelTakes) {
  engine.handlers[session::method::kOpen] = [](const Json& params) -> Result<Json> {
    Json document = smallDocument(params.at("model"), 7);
    document["input_kinds"] = {"sound", "tensors"};
    document["audio"] = "rate=16000,window=512,hop=512";
    document["unsupported_operators"] = Json::array();
    return document;
  };
  open();
  auto* picture = window->findChild<PictureView*>(QStringLiteral("predict_view"));
  ASSERT_NE(picture, nullptr);
  EXPECT_TRUE(picture->accessibleDescription().contains(QStringLiteral(".wav")));
  EXPECT_FALSE(picture->accessibleDescription().contains(QStringLiteral(".png")));
  auto* spec = window->findChild<QLineEdit*>(QStringLiteral("input_spec"));
  ASSERT_NE(spec, nullptr);
  EXPECT_EQ(spec->text(), QStringLiteral("rate=16000,window=512,hop=512"));
}

TEST_F(Window, ATextIsPredictedWithEnter) {
  engine.handlers[session::method::kOpen] = [](const Json& params) -> Result<Json> {
    Json document = smallDocument(params.at("model"), 7);
    document["input_kinds"] = {"text", "tensors"};
    document["unsupported_operators"] = Json::array();
    return document;
  };
  open();
  auto* text = window->findChild<QLineEdit*>(QStringLiteral("predict_text"));
  ASSERT_NE(text, nullptr);
  QTest::keyClicks(text, QStringLiteral("Hello there"));
  QTest::keyClick(text, Qt::Key_Return);
  PredictView* view = window->runPanel().predictions();
  EXPECT_TRUE(eventually([&] { return !view->predictions().empty(); }));
  EXPECT_EQ(engine.last(session::method::kPredict).at("texts")[0], "Hello there");
}

TEST_F(Window, ThePreprocessingIsEditedCheckedKeptAndReset) {
  engine.handlers[session::method::kOpen] = [](const Json& params) -> Result<Json> {
    Json document = smallDocument(params.at("model"), 7);
    document["input_kinds"] = {"pictures", "tensors"};
    document["preprocess"] = "resize=8x8,order=rgb";
    document["unsupported_operators"] = Json::array();
    return document;
  };
  open();
  PredictView* view = window->runPanel().predictions();
  view->setPictures({QStringLiteral("/nowhere/cat.png")});
  auto* spec = window->findChild<QLineEdit*>(QStringLiteral("input_spec"));
  auto* message = window->findChild<QLabel*>(QStringLiteral("input_spec_message"));
  ASSERT_TRUE(spec != nullptr && message != nullptr);
  EXPECT_TRUE(eventually([&] { return message->text().contains(QStringLiteral("float32 1x3x1x2")); }));
  const auto type = [&](const QString& words) {
    spec->selectAll();
    QTest::keyClicks(spec, words);
    QTest::keyClick(spec, Qt::Key_Return);
  };
  type(QStringLiteral("std=0"));
  EXPECT_TRUE(eventually([&] { return message->text().contains(QStringLiteral("annot read")); }));
  const int before = engine.count(session::method::kPredict);
  type(QStringLiteral("resize=8x8,order=bgr"));
  EXPECT_TRUE(eventually([&] { return engine.count(session::method::kPredict) > before; }));
  EXPECT_EQ(engine.last(session::method::kPredict).at("preprocess"), "resize=8x8,order=bgr");
  EXPECT_EQ(window->workspace().settings.inputSpec(QStringLiteral("preprocess"), QStringLiteral("abc")),
            QStringLiteral("resize=8x8,order=bgr"));
  QTest::mouseClick(window->findChild<QPushButton*>(QStringLiteral("input_spec_reset")), Qt::LeftButton);
  EXPECT_EQ(spec->text(), QStringLiteral("resize=8x8,order=rgb"));
  EXPECT_TRUE(eventually([&] {
    return window->workspace().settings.inputSpec(QStringLiteral("preprocess"), QStringLiteral("abc")).isEmpty();
  }));
}

TEST_F(Window, ThePaletteListsEveryActionAndFindsByLetters) {
  open();
  const QList<QAction*> actions = window->allActions();
  EXPECT_GT(actions.size(), 45);
  CommandPalette palette(actions, window.get());
  EXPECT_EQ(palette.shown().size(), actions.size());
  palette.setPattern(QStringLiteral("altern"));
  ASSERT_FALSE(palette.shown().isEmpty());
  EXPECT_TRUE(palette.shown().first().contains(QStringLiteral("Alternate layers")));
  EXPECT_LT(fuzzyScore(QStringLiteral("xq"), QStringLiteral("Run")), 0);
  EXPECT_GT(fuzzyScore(QStringLiteral("ra"), QStringLiteral("Run again")),
            fuzzyScore(QStringLiteral("ra"), QStringLiteral("Export grape")));
}

TEST_F(Window, EveryActionHasATextAndNoShortcutIsUsedTwice) {
  open();
  QStringList keys;
  for (const QAction* action : window->allActions()) {
    EXPECT_FALSE(action->text().isEmpty()) << action->objectName().toStdString();
    for (const QKeySequence& key : action->shortcuts()) {
      EXPECT_FALSE(keys.contains(key.toString())) << key.toString().toStdString();
      keys << key.toString();
    }
  }
}

TEST_F(Window, FocusableWidgetsHaveNames) {
  open();
  for (QWidget* widget : window->findChildren<QWidget*>()) {
    if (!(widget->focusPolicy() & Qt::TabFocus) || widget->objectName().startsWith(QLatin1String("qt_"))) continue;
    if (widget->inherits("QComboBoxListView") || widget->isWindow()) continue; // Qt's own; named by the combo box
    const auto* button = qobject_cast<QAbstractButton*>(widget);
    const bool named = !widget->accessibleName().isEmpty() || (button != nullptr && !button->text().isEmpty()) ||
                       widget->inherits("QTabBar") || widget->inherits("QTabWidget");
    EXPECT_TRUE(named) << widget->metaObject()->className() << " " << widget->objectName().toStdString() << " in "
                       << (widget->parentWidget() ? widget->parentWidget()->metaObject()->className() : "nothing");
  }
}

TEST_F(Window, TheLayoutIsRememberedAndCanBeReset) {
  auto* log = window->findChild<QDockWidget*>(QStringLiteral("dock_devices"));
  ASSERT_NE(log, nullptr);
  log->close();
  window->close();
  make();
  EXPECT_FALSE(window->findChild<QDockWidget*>(QStringLiteral("dock_devices"))->isVisible());
  window->action(QStringLiteral("reset_layout"))->trigger();
  EXPECT_TRUE(window->findChild<QDockWidget*>(QStringLiteral("dock_devices"))->isVisible());
}

TEST_F(Window, AllChartsAreInSightByDefault) {
  window->resize(1400, 880);
  window->action(QStringLiteral("reset_layout"))->trigger();
  QTest::qWait(50);
  const auto* area = window->charts().findChild<QScrollArea*>(QStringLiteral("charts_area"));
  ASSERT_NE(area, nullptr);
  EXPECT_LE(area->widget()->minimumSizeHint().height(), area->viewport()->height());
}

TEST_F(Window, ClosingAsksOnlyForUnsavedPlacements) {
  open();
  workspace->document.assign({0}, QStringLiteral("OPENCL-CPU:0"));
  window->close();
  EXPECT_TRUE(window->isVisible());
  auto* box = window->findChild<QMessageBox*>(QStringLiteral("unsaved_dialog"));
  ASSERT_NE(box, nullptr);
  box->button(QMessageBox::Cancel)->click();
  EXPECT_TRUE(window->isVisible());
  window->close();
  auto* again = window->findChildren<QMessageBox*>(QStringLiteral("unsaved_dialog")).last();
  again->button(QMessageBox::Discard)->click();
  EXPECT_TRUE(eventually([&] { return !window->isVisible(); }));
}

TEST_F(Window, UnsavedWorkSurvivesACrash) {
  open();
  workspace->document.assign({2}, QStringLiteral("OPENCL-CPU:0"));
  const QDir unsaved(folder.filePath(QStringLiteral("unsaved")));
  EXPECT_TRUE(eventually([&] { return !unsaved.entryList(QDir::Files).isEmpty(); }));
  // A crashed program is one whose process is gone: no process has this number.
  ASSERT_TRUE(QFile::copy(unsaved.filePath(unsaved.entryList(QDir::Files).first()),
                          unsaved.filePath(QStringLiteral("999999999.json"))));
  window.reset();
  workspace.reset();
  make();
  ASSERT_TRUE(window->messages().isVisible());
  const auto left = workspace->autosave.leftBehind();
  ASSERT_EQ(left.size(), 1);
  workspace->document.recover(left.first());
  settle();
  EXPECT_TRUE(eventually([&] { return workspace->document.isOpen(); }));
  EXPECT_EQ(requested(2), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_TRUE(workspace->document.isModified());
  EXPECT_TRUE(workspace->autosave.leftBehind().isEmpty());
}

TEST_F(Window, CoreSetsAndHiddenDevicesAreAskedForAndRemembered) {
  workspace->devices.setCores(QStringLiteral("0; 1"));
  workspace->devices.setHidden(QStringLiteral("OPENCL-CPU:0"), true);
  EXPECT_TRUE(eventually([&] { return workspace->isIdle() && !workspace->devices.isLoading(); }));
  const Json asked = engine.last(session::method::kConfigure);
  EXPECT_EQ(asked.at("cores"), "0;1");
  EXPECT_EQ(asked.at("hide")[0], "OPENCL-CPU:0");
  make();
  EXPECT_EQ(workspace->engine.config().cores, QStringLiteral("0;1"));
  EXPECT_EQ(engine.last(session::method::kConfigure).at("cores"), "0;1");
}

TEST_F(Window, TheControlSocketTellsStateAndPositions) {
  open();
  ControlSocket control(*window);
  EXPECT_TRUE(control.answer(QStringLiteral("ready"), {}).value(QStringLiteral("ok")).toBool());
  EXPECT_TRUE(control.answer(QStringLiteral("select"), QStringLiteral("stem/conv head/foo"))
                  .value(QStringLiteral("ok"))
                  .toBool());
  const QJsonObject state = control.answer(QStringLiteral("state"), {});
  EXPECT_EQ(state.value(QStringLiteral("selection")).toArray().size(), 2);
  EXPECT_EQ(state.value(QStringLiteral("document")).toObject().value(QStringLiteral("nodes")).toInt(), 3);
  const QJsonObject position = control.answer(QStringLiteral("nodepos"), QStringLiteral("stem/relu"));
  const QPoint global(position.value(QStringLiteral("x")).toInt(), position.value(QStringLiteral("y")).toInt());
  GraphCanvas* canvas = window->layers().canvas();
  EXPECT_EQ(canvas->nodeAt(canvas->viewport()->mapFromGlobal(global)), 1);
  EXPECT_FALSE(
      control.answer(QStringLiteral("nodepos"), QStringLiteral("nobody")).value(QStringLiteral("ok")).toBool());
  EXPECT_TRUE(control.answer(QStringLiteral("widgetpos"), QStringLiteral("run_button")).contains(QStringLiteral("x")));
  EXPECT_TRUE(control.isReached(QStringLiteral("idle")));
  EXPECT_FALSE(control.isReached(QStringLiteral("run-done")));
}

TEST(Labels, NameOpenClOnTheProcessorForPeople) {
  session::DeviceSummary device;
  device.id = "OPENCL-CPU:0";
  device.kind = "opencl-cpu";
  device.name = "pthread-skylake-avx512-AMD EPYC";
  device.driver = "PoCL 3.1";
  EXPECT_EQ(deviceHeadline(device), QStringLiteral("OpenCL on the CPU (PoCL)"));
  EXPECT_EQ(deviceLabel(device), QStringLiteral("OPENCL-CPU:0  PoCL 3.1"));
  device.driver.clear();
  EXPECT_EQ(deviceHeadline(device), QStringLiteral("OpenCL on the CPU"));
  device.kind = "opencl-gpu";
  device.name = "Radeon RX 6600";
  EXPECT_EQ(deviceHeadline(device), QStringLiteral("Radeon RX 6600"));
}

TEST(Labels, KeepDeviceIdsInOneLine) {
  const QString text = QStringLiteral("66 nodes: 63 OPENCL-CPU:1+CPU:0 (3 by you)"), kept = unbrokenIds(text);
  EXPECT_TRUE(kept.contains(QString::fromUtf8("CPU\u2060:\u20601+\u200bCPU\u2060:\u20600"))) << kept.toStdString();
  EXPECT_TRUE(kept.startsWith(QStringLiteral("66 nodes: 63 ")));
  QString plain = kept;
  EXPECT_EQ(plain.remove(QChar(0x2060)).remove(QChar(0x200b)), text);
}

TEST(Labels, ShowUnknownDimensionsByName) {
  session::TensorSummary tensor;
  EXPECT_EQ(shapeText(tensor), QStringLiteral("unknown shape"));
  tensor.rankKnown = true;
  EXPECT_EQ(shapeText(tensor), QStringLiteral("scalar"));
  tensor.shape = {-1, 3, -1};
  tensor.dimNames = {"N", "", ""};
  EXPECT_EQ(shapeText(tensor), QString::fromUtf8("N\u00d73\u00d7?"));
}

} // namespace
} // namespace tandem::ui::test
