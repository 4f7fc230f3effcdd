// SPDX-License-Identifier: GPL-3.0-or-later
// Simultaneous prediction in the window: what can be asked for, changes while a run goes on, the report.
#include "tests/ui/window_fixture.hpp"
#include "ui/core/live_change.hpp"
#include "ui/panels/run/deployment_editor.hpp"
#include "ui/panels/run/report_html.hpp"
#include "ui/panels/run/report_view.hpp"
#include "ui/panels/run/run_panel.hpp"
#include "ui/widgets/chart/quantile_chart.hpp"

#include <QAction>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFile>
#include <QGuiApplication>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QSpinBox>

namespace tandem::ui::test {
namespace {

class Simultaneous : public Window {
 protected:
  template <class Widget> Widget* get(const char* name) {
    auto* found = window->findChild<Widget*>(QLatin1String(name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  static void choose(QComboBox* box, const char* key) {
    box->setCurrentIndex(box->findData(QLatin1String(key)));
    emit box->activated(box->currentIndex());
  }
  QString shown(const char* label) { return get<QLabel>(label)->text(); }
  bool isOffered(const char* button) { return !get<QPushButton>(button)->isHidden(); }
  Json snapshot(double elapsedS, const std::vector<std::string>& events = {}) {
    Json json = snapshotJson(elapsedS);
    json["replicas"][0]["name"] = "CPU:0";
    json["replicas"][1]["name"] = "OPENCL-CPU:0";
    for (Json& replica : json["replicas"]) replica["state"] = "serving";
    json["events"] = events;
    return json;
  }
  void run() {
    open();
    window->action(QStringLiteral("run"))->trigger();
    engine.sendSnapshot(snapshot(0.5));
    ASSERT_TRUE(eventually([&] { return workspace->runs.state() == RunController::State::Running; }));
  }
};

TEST_F(Simultaneous, WhatCannotRunIsSaidBeforeItIsAskedFor) {
  open();
  EXPECT_TRUE(get<QPushButton>("run_button")->isEnabled());
  get<QDoubleSpinBox>("replica_target_0")->setValue(20);
  EXPECT_TRUE(shown("deployment_problem").contains(QStringLiteral("set \"Batch\" to 2 or more")));
  EXPECT_FALSE(get<QPushButton>("run_button")->isEnabled());
  get<QSpinBox>("replica_batch_0")->setValue(8);
  EXPECT_TRUE(get<QPushButton>("run_button")->isEnabled());
  EXPECT_EQ(shown("replica_batching_0"), QStringLiteral("executions of at most 20.0\u00a0ms"));
  choose(get<QComboBox>("scenario"), "replay");
  EXPECT_TRUE(shown("deployment_problem").contains(QStringLiteral("Choose the file")));
  EXPECT_FALSE(get<QPushButton>("run_button")->isEnabled());
  choose(get<QComboBox>("scenario"), "ramp");
  EXPECT_TRUE(get<QPushButton>("run_button")->isEnabled());
}

TEST_F(Simultaneous, EverythingThatIsSetGoesIntoTheRunAndTheCommand) {
  open();
  get<QSpinBox>("replica_batch_1")->setValue(8);
  get<QDoubleSpinBox>("replica_delay_1")->setValue(5);
  get<QDoubleSpinBox>("replica_target_1")->setValue(40);
  choose(get<QComboBox>("scenario"), "ramp");
  choose(get<QComboBox>("route"), "slo");
  get<QDoubleSpinBox>("route_ms")->setValue(30);
  get<QDoubleSpinBox>("bulk_share")->setValue(25);
  get<QDoubleSpinBox>("alone")->setValue(1.5);
  get<QSpinBox>("queue_limit")->setValue(64);
  get<QCheckBox>("start_on_cpu")->setChecked(true);
  EXPECT_FALSE(get<QCheckBox>("live_placement")->isChecked());
  get<QCheckBox>("live_placement")->setChecked(true);
  window->action(QStringLiteral("copy_command"))->trigger();
  const QString command = QGuiApplication::clipboard()->text();
  for (const char* part :
       {"--replica OPENCL-CPU:0,batch=8,delay_ms=5,target_ms=40", "--scenario ramp:50", "--route slo:30", "--bulk 0.25",
        "--alone 1.5", "--queue-limit 64", "--start-on-cpu", "--live-placement=0.1"})
    EXPECT_TRUE(command.contains(QLatin1String(part))) << part << " in " << command.toStdString();
  window->action(QStringLiteral("run"))->trigger();
  const Json asked = engine.last(session::method::kRun);
  EXPECT_EQ(asked.at("scenario"), "ramp:50");
  EXPECT_EQ(asked.at("route"), "slo:30");
  EXPECT_EQ(asked.at("replicas")[1].at("target_ms"), 40.0);
  EXPECT_EQ(asked.at("alone_s"), 1.5);
  EXPECT_EQ(asked.at("queue_limit"), 64);
  EXPECT_EQ(asked.at("start_on_cpu"), true);
  EXPECT_EQ(asked.at("live_placement"), 0.1);
}

TEST_F(Simultaneous, AnEditedReplicaIsPendingUntilItIsAppliedAndMade) {
  run();
  EXPECT_TRUE(shown("replica_state_0").contains(QStringLiteral("serving")));
  EXPECT_FALSE(isOffered("replica_apply_now_0"));
  get<QSpinBox>("replica_threads_0")->setValue(1);
  EXPECT_TRUE(shown("replica_state_0").contains(QStringLiteral("not applied yet")));
  ASSERT_TRUE(isOffered("replica_apply_now_0"));
  get<QPushButton>("replica_apply_now_0")->click();
  const Json asked = engine.last(session::method::kDeploy);
  EXPECT_EQ(asked.at("action"), "replace");
  EXPECT_EQ(asked.at("name"), "CPU:0");
  EXPECT_EQ(asked.at("replica").at("threads"), 1);
  EXPECT_TRUE(engine.isRunning()) << "the run goes on";
  EXPECT_TRUE(shown("replica_state_0").contains(QStringLiteral("being compiled")));
  engine.sendSnapshot(snapshot(1, {"CPU:0 is replaced"}));
  EXPECT_TRUE(eventually([&] { return !shown("replica_state_0").contains(QStringLiteral("compiled")); }));
  EXPECT_FALSE(isOffered("replica_apply_now_0"));
  EXPECT_EQ(get<QListWidget>("run_events")->count(), 1);
  EXPECT_FALSE(get<QListWidget>("run_events")->isHidden());
}

TEST_F(Simultaneous, AReplicaIsAddedAndARefusalIsShownOnItsCard) {
  run();
  get<QPushButton>("add_replica")->click();
  EXPECT_TRUE(shown("replica_state_2").contains(QStringLiteral("not part of this run")));
  get<QPushButton>("replica_add_now_2")->click();
  EXPECT_EQ(engine.last(session::method::kDeploy).at("replica").at("name"), "CPU:0 #2");
  EXPECT_TRUE(shown("replica_state_2").contains(QStringLiteral("compiling")));
  engine.sendSnapshot(snapshot(1, {"a change was not made: no memory"}));
  EXPECT_TRUE(eventually([&] { return shown("replica_state_2").contains(QStringLiteral("no memory")); }));
  EXPECT_TRUE(isOffered("replica_add_now_2"));
}

TEST_F(Simultaneous, ARemovedReplicaLeavesTheEditorWhenTheRunHasEnded) {
  run();
  get<QPushButton>("replica_remove_now_1")->click();
  EXPECT_EQ(engine.last(session::method::kDeploy).at("name"), "OPENCL-CPU:0");
  EXPECT_FALSE(isOffered("replica_remove_now_0")) << "the last replica stays";
  engine.sendSnapshot(snapshot(1, {"OPENCL-CPU:0 is drained and gone"}));
  EXPECT_TRUE(eventually([&] { return shown("replica_state_1").contains(QStringLiteral("removed")); }));
  engine.finishRun(reportJson(false));
  EXPECT_TRUE(eventually([&] { return !workspace->runs.isActive(); }));
  EXPECT_EQ(window->runPanel().deployment()->replicaCount(), 1);
}

TEST_F(Simultaneous, TheRoutingIsChangedLive) {
  run();
  choose(get<QComboBox>("route"), "round-robin");
  EXPECT_TRUE(shown("live_route").contains(QStringLiteral("not applied yet")));
  get<QPushButton>("route_now")->click();
  EXPECT_EQ(engine.last(session::method::kDeploy).at("route"), "round-robin");
  engine.sendSnapshot(snapshot(1, {"routing is round-robin from now on"}));
  EXPECT_TRUE(eventually([&] { return shown("live_route") == QStringLiteral("Routing now: round-robin."); }));
}

TEST_F(Simultaneous, TheReportBeginsWithTheVerdictAndIsExported) {
  open();
  window->action(QStringLiteral("run"))->trigger();
  Json report = reportJson(false);
  report["verdict"] = {{"summary", "Together they are <1.5> times as fast."},
                       {"reasons", {"they share a core"}},
                       {"parts", {{{"name", "cpu"}, {"alone_items_per_s", 40.0}, {"together_items_per_s", 30.0}}}}};
  report["latency_quantiles_ms"] = {1.0, 2.0, 4.0};
  report["events"] = {{{"at_s", 2.5}, {"text", "cpu is hung"}}};
  engine.finishRun(report);
  ASSERT_TRUE(eventually([&] { return workspace->history.rowCount() == 1; }));
  const QString html = reportHtml(workspace->history.entry(0), Theme::of(lightPalette()));
  const auto at = [&](const char* text) { return html.indexOf(QLatin1String(text)); };
  ASSERT_GT(at("&lt;1.5&gt; times"), 0) << "texts of the engine are escaped";
  EXPECT_LT(at("&lt;1.5&gt; times"), at("Latency"));
  EXPECT_GT(at("they share a core"), 0);
  EXPECT_GT(at("cpu is hung"), 0);
  auto* chart = get<QuantileChart>("report_latency");
  EXPECT_FALSE(chart->isHidden());
  EXPECT_DOUBLE_EQ(chart->valueAt(0.75), 3);
  const QString path = folder.filePath(QStringLiteral("report.json"));
  auto* view = window->findChild<ReportView*>();
  ASSERT_NE(view, nullptr);
  ASSERT_TRUE(view->exportTo(path).ok());
  QFile file(path);
  ASSERT_TRUE(file.open(QIODevice::ReadOnly));
  EXPECT_EQ(Json::parse(file.readAll().toStdString()), report);
  EXPECT_FALSE(view->exportTo(QStringLiteral("/nowhere/report.md")).ok());
}

} // namespace
} // namespace tandem::ui::test
