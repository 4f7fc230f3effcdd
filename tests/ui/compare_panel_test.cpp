// SPDX-License-Identifier: GPL-3.0-or-later
// Runs against each other: which is compared with which, what shows, what leaves.
#include "tests/ui/window_fixture.hpp"
#include "ui/panels/compare/compare_panel.hpp"
#include "ui/widgets/chart/quantile_chart.hpp"

#include <QAction>
#include <QClipboard>
#include <QDockWidget>
#include <QFile>
#include <QGuiApplication>
#include <QLabel>
#include <QPushButton>
#include <QTextBrowser>
#include <QTreeView>

namespace tandem::ui::test {
namespace {

/// A report whose twenty stretches scatter by 2 %.
Json runReport(double itemsPerS) {
  Json report = reportJson(false);
  report["format"] = "tandem-report";
  report["version"] = 1;
  report["model"] = "small";
  report["scenario"] = "closed:4";
  report["items_per_s"] = itemsPerS;
  Json rates = Json::array(), p50 = Json::array(), p99 = Json::array(), quantiles = Json::array();
  for (int i = 0; i < 20; ++i) {
    const double factor = i % 2 == 0 ? 1.02 : 0.98;
    rates.push_back(itemsPerS * factor);
    p50.push_back(400 / itemsPerS * factor);
    p99.push_back(900 / itemsPerS * factor);
  }
  for (int i = 0; i <= 100; ++i) quantiles.push_back(400 / itemsPerS * (0.5 + i / 100.0));
  report["latency_ms"]["p50"] = 400 / itemsPerS;
  report["slices"] = {{"seconds", 0.5}, {"items_per_s", rates}, {"p50_ms", p50}, {"p99_ms", p99}};
  report["latency_quantiles_ms"] = quantiles;
  return report;
}

class CompareWindow : public Window {
 protected:
  CompareWindow() { open(); }
  ComparePanel& panel() { return window->comparePanel(); }
  QTreeView* runs() { return window->findChild<QTreeView*>(QStringLiteral("compare_runs")); }
  QPushButton* button(const char* name) { return window->findChild<QPushButton*>(QLatin1String(name)); }
  QString summary() { return window->findChild<QLabel*>(QStringLiteral("compare_summary"))->text(); }

  void run(double itemsPerS, const char* scenario = "closed:4") {
    window->action(QStringLiteral("run"))->trigger();
    Json report = runReport(itemsPerS);
    report["scenario"] = scenario;
    engine.finishRun(report);
    ASSERT_TRUE(eventually([&] { return !workspace->runs.isActive(); }));
  }
  void choose(int row) { runs()->setCurrentIndex(workspace->history.index(row, 0)); }
  QString cell(int row, int column) { return panel().model().index(row, column).data().toString(); }
  QString write(const QString& name, const QByteArray& bytes) {
    QFile file(folder.filePath(name));
    EXPECT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(bytes);
    return file.fileName();
  }
};

TEST_F(CompareWindow, ARunIsComparedWithTheOneBeforeIt) {
  run(100);
  EXPECT_TRUE(summary().contains(QStringLiteral("Nothing came before")));
  EXPECT_FALSE(button("compare_copy")->isEnabled());
  run(130, "closed:8");
  EXPECT_TRUE(panel().summaryText().startsWith(QStringLiteral("B does 1.3 times the items of A")));
  EXPECT_EQ(cell(0, ComparisonModel::kRatio), QStringLiteral("1.30"));
  EXPECT_TRUE(cell(0, ComparisonModel::kFinding).contains(QStringLiteral("better")));
  EXPECT_TRUE(cell(1, ComparisonModel::kFinding).contains(QStringLiteral("better"))) << "less latency is better";
  const auto* detail = window->findChild<QTextBrowser*>(QStringLiteral("compare_detail"));
  EXPECT_TRUE(detail->toPlainText().contains(QStringLiteral("closed:8")));
  const auto* chart = window->findChild<QuantileChart*>(QStringLiteral("compare_latency"));
  EXPECT_TRUE(chart->summary().contains(QStringLiteral("A: run 1")));
}

TEST_F(CompareWindow, APinnedBaselineStaysWhateverComesAfter) {
  run(100);
  button("compare_pin")->click();
  run(150);
  run(99);
  EXPECT_TRUE(panel().summaryText().contains(QStringLiteral("beyond the noise")))
      << panel().summaryText().toStdString();
  choose(1);
  EXPECT_EQ(cell(0, ComparisonModel::kRatio), QStringLiteral("1.50"));
  EXPECT_EQ(workspace->history.baseline(), 2);
  EXPECT_EQ(workspace->history.index(2, RunHistory::kRun).data().toString(), QStringLiteral("1 (baseline)"));
  choose(2);
  EXPECT_TRUE(summary().contains(QStringLiteral("This is the baseline")));
  EXPECT_TRUE(button("compare_pin")->text().contains(QStringLiteral("Unpin")));
  button("compare_pin")->click();
  EXPECT_EQ(workspace->history.baseline(), -1);
}

TEST_F(CompareWindow, TheHundredthRunDropsTheOldestButNotTheBaseline) {
  const QString file = write(QStringLiteral("run.json"), QByteArray::fromStdString(runReport(100).dump()));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(panel().openReport(file).ok());
  workspace->history.setBaseline(99);
  ASSERT_TRUE(panel().openReport(file).ok());
  EXPECT_EQ(workspace->history.rowCount(), 100);
  EXPECT_EQ(workspace->history.baseline(), 99);
}

TEST_F(CompareWindow, ReportsOfOtherRunsAreOpenedAndBadOnesRefused) {
  const QByteArray good = QByteArray::fromStdString(runReport(100).dump());
  ASSERT_TRUE(panel().openReport(write(QStringLiteral("first.json"), good)).ok());
  EXPECT_EQ(workspace->history.index(0, RunHistory::kRun).data().toString(), QStringLiteral("first.json"));
  EXPECT_EQ(workspace->history.index(0, RunHistory::kModel).data().toString(), QStringLiteral("small"));
  for (const QByteArray& bad : {QByteArray(), QByteArray("{}"), good.left(good.size() / 2), QByteArray("\xff\xfe")}) {
    const auto opened = panel().openReport(write(QStringLiteral("bad.json"), bad));
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().line().find("bad.json"), std::string::npos);
  }
  EXPECT_FALSE(panel().openReport(folder.filePath(QStringLiteral("nowhere.json"))).ok());
  EXPECT_EQ(workspace->history.rowCount(), 1);
}

TEST_F(CompareWindow, NotesAreKeptWithTheirRun) {
  run(100);
  const QModelIndex note = workspace->history.index(0, RunHistory::kNote);
  EXPECT_TRUE(workspace->history.flags(note) & Qt::ItemIsEditable);
  EXPECT_TRUE(workspace->history.setData(note, QStringLiteral("before <b>the</b> change"), Qt::EditRole));
  run(101);
  EXPECT_EQ(workspace->history.index(1, RunHistory::kNote).data().toString(),
            QStringLiteral("before <b>the</b> change"));
  EXPECT_TRUE(workspace->history.index(0, RunHistory::kNote).data().toString().isEmpty());
  EXPECT_FALSE(workspace->history.flags(workspace->history.index(0, RunHistory::kP50)) & Qt::ItemIsEditable);
}

TEST_F(CompareWindow, TheTableIsCopiedAsCommaSeparatedValues) {
  run(100);
  run(200);
  button("compare_copy")->click();
  const QStringList lines = QGuiApplication::clipboard()->text().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
  ASSERT_GT(lines.size(), 4);
  EXPECT_EQ(lines[0], QStringLiteral("figure,unit,a,b,ratio,low,high,outcome,why"));
  EXPECT_TRUE(lines[1].startsWith(QStringLiteral("items_per_s,/s,100,200,2,"))) << lines[1].toStdString();
  for (const QString& line : lines) EXPECT_GE(line.count(QLatin1Char(',')), 8);
}

TEST_F(CompareWindow, F4ShowsThePanelAndItsEmptyStateSaysWhatToDo) {
  window->action(QStringLiteral("compare_runs"))->trigger();
  auto* dock = window->findChild<QDockWidget*>(QStringLiteral("dock_compare"));
  EXPECT_TRUE(eventually([&] { return panel().isVisible() && dock->isVisible(); }));
  bool told = false;
  for (const QLabel* label : panel().findChildren<QLabel*>())
    told |= label->text().contains(QStringLiteral("Run twice"));
  EXPECT_TRUE(told);
}

} // namespace
} // namespace tandem::ui::test
