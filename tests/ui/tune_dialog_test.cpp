// SPDX-License-Identifier: GPL-3.0-or-later
// Finding the fastest kernels: what is asked of the engine, what shows, and that it can be stopped.
#include "engine/session/tune_types.hpp"
#include "tests/ui/window_fixture.hpp"

#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QDialog>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <QTreeView>

namespace tandem::ui::test {
namespace {

Json tuningJson() {
  session::Tuning tuning;
  tuning.model = "small";
  tuning.segments.push_back({"OPENCL-CPU:0", 12.5, 10.0, 31.0, false, {"winograd 4: the driver refused it"}});
  tuning.kernels.push_back({"OPENCL-CPU:0",
                            "conv 1x1",
                            {1},
                            1,
                            "tile 8x2",
                            "tile 8x2",
                            true,
                            100,
                            100,
                            {{"tile 8x2", 100}, {"tile 14x2", 130}}});
  tuning.kernels.push_back({"OPENCL-CPU:0",
                            "conv 3x3",
                            {0, 1},
                            2,
                            "tile 8x2",
                            "winograd 4",
                            true,
                            2000,
                            1000,
                            {{"tile 8x2", 2000}, {"winograd 4", 1000}}});
  return session::encodeTuning(tuning);
}

class TuneWindow : public Window {
 protected:
  TuneWindow() {
    engine.handlers[session::method::kTune] = [](const Json&) -> Result<Json> { return tuningJson(); };
    engine.handlers[session::method::kOpen] = [](const Json& params) -> Result<Json> {
      return smallDocument(params.value("model", std::string("/models/small.onnx")), 11);
    };
  }
  QDialog* openDialog() {
    open();
    window->action(QStringLiteral("tune_kernels"))->trigger();
    return window->findChild<QDialog*>(QStringLiteral("tune_dialog"));
  }
};

TEST_F(TuneWindow, AModelOnTheCpuAloneIsOfferedTheOtherDevice) {
  EXPECT_FALSE(window->action(QStringLiteral("tune_kernels"))->isEnabled());
  QDialog* dialog = openDialog();
  ASSERT_NE(dialog, nullptr);
  auto* target = dialog->findChild<QComboBox*>(QStringLiteral("tune_target"));
  EXPECT_EQ(target->currentData().toString(), QStringLiteral("OPENCL-CPU:0"));
  dialog->findChild<QSpinBox*>(QStringLiteral("tune_seconds"))->setValue(7);
  dialog->findChild<QSpinBox*>(QStringLiteral("tune_batch"))->setValue(8);
  dialog->findChild<QCheckBox*>(QStringLiteral("tune_again"))->setChecked(true);
  dialog->findChild<QPushButton*>(QStringLiteral("tune_start"))->click();
  ASSERT_TRUE(eventually([&] { return engine.count(session::method::kTune) == 1 && idle(); }));
  const Json asked = engine.last(session::method::kTune);
  EXPECT_EQ(asked.at("device"), "OPENCL-CPU:0");
  EXPECT_EQ(asked.at("seconds"), 7);
  EXPECT_EQ(asked.at("batch"), 8);
  EXPECT_EQ(asked.at("again"), true);
}

TEST_F(TuneWindow, LayersThatArePlacedAreMeasuredWhereTheyAre) {
  open();
  workspace->document.assign({0}, QStringLiteral("OPENCL-CPU:0"));
  settle();
  window->action(QStringLiteral("tune_kernels"))->trigger();
  auto* dialog = window->findChild<QDialog*>(QStringLiteral("tune_dialog"));
  ASSERT_NE(dialog, nullptr);
  dialog->findChild<QPushButton*>(QStringLiteral("tune_start"))->click();
  ASSERT_TRUE(eventually([&] { return engine.count(session::method::kTune) == 1 && idle(); }));
  const Json asked = engine.last(session::method::kTune);
  EXPECT_FALSE(asked.contains("device"));
  EXPECT_EQ(asked.at("placement").at("nodes").at("stem/conv"), "OPENCL-CPU:0");
}

TEST_F(TuneWindow, TheGreatestGainComesFirstAndWhatWasLeftOutIsSaid) {
  QDialog* dialog = openDialog();
  dialog->findChild<QPushButton*>(QStringLiteral("tune_start"))->click();
  auto* table = dialog->findChild<QTreeView*>(QStringLiteral("tune_table"));
  ASSERT_TRUE(eventually([&] { return table->model()->rowCount() == 2; }));
  EXPECT_EQ(table->model()->index(0, 0).data().toString(), QStringLiteral("stem/conv and 1 more"));
  EXPECT_TRUE(table->model()->index(0, 0).data(Qt::ToolTipRole).toString().contains(QStringLiteral("conv 3x3")));
  EXPECT_EQ(table->model()->index(0, 4).data().toString(), QStringLiteral("winograd 4"));
  const QString text = dialog->findChild<QLabel*>(QStringLiteral("tune_text"))->text();
  EXPECT_TRUE(text.contains(QStringLiteral("The time was over"))) << text.toStdString();
  EXPECT_TRUE(text.contains(QStringLiteral("the driver refused it"))) << text.toStdString();
}

TEST_F(TuneWindow, AnErrorIsShownAndAnotherTryIsPossible) {
  engine.handlers[session::method::kTune] = [](const Json&) -> Result<Json> {
    return makeError(ErrorCode::DeviceFailed, "out of memory", "OPENCL-CPU:0", "use a smaller batch");
  };
  QDialog* dialog = openDialog();
  auto* start = dialog->findChild<QPushButton*>(QStringLiteral("tune_start"));
  start->click();
  auto* text = dialog->findChild<QLabel*>(QStringLiteral("tune_text"));
  ASSERT_TRUE(eventually([&] { return text->text().contains(QStringLiteral("out of memory")); }));
  EXPECT_TRUE(start->isEnabled());
}

} // namespace
} // namespace tandem::ui::test
