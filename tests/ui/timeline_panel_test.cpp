// SPDX-License-Identifier: GPL-3.0-or-later
// The timeline in the window: recording, loading, linking to layers, summing up, exporting.
#include "tests/ui/window_fixture.hpp"
#include "ui/panels/run/run_panel.hpp"
#include "ui/panels/timeline/slice_details.hpp"
#include "ui/panels/timeline/timeline_panel.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/timeline/timeline_view.hpp"

#include <QAction>
#include <QCheckBox>
#include <QClipboard>
#include <QGuiApplication>
#include <QSignalSpy>
#include <QToolButton>
#include <QTreeView>

namespace tandem::ui::test {
namespace {

const QByteArray kTrace = R"({"traceEvents":[
{"name":"thread_name","ph":"M","pid":1,"tid":0,"args":{"name":"CPU:0 requests"}},
{"name":"thread_name","ph":"M","pid":1,"tid":1,"args":{"name":"CPU:0 CPU:0"}},
{"name":"thread_name","ph":"M","pid":1,"tid":2,"args":{"name":"CPU:0 OPENCL-CPU:0"}},
{"name":"request","cat":"request","id":1,"pid":1,"tid":0,"ts":0,"ph":"b"},
{"name":"request","cat":"request","id":1,"pid":1,"tid":0,"ts":900,"ph":"e"},
{"name":"Conv stem/conv","cat":"kernel","ph":"X","pid":1,"tid":1,"ts":10,"dur":200,"args":{"request":1,"node":0}},
{"name":"Relu stem/relu","cat":"kernel","ph":"X","pid":1,"tid":1,"ts":210,"dur":100,"args":{"request":1,"node":1}},
{"name":"host to OPENCL-CPU:0","cat":"transfer","ph":"X","pid":1,"tid":2,"ts":320,"dur":50,"args":{"request":1,"bytes":100000}},
{"name":"Foo <b>head/foo</b>","cat":"kernel","ph":"X","pid":1,"tid":2,"ts":400,"dur":300,"args":{"request":1,"node":77}}]})";

class TimelineWindow : public Window {
 protected:
  TimelinePanel& panel() { return window->timelinePanel(); }
  TimelineView& view() { return *panel().view(); }
  QString write(const QByteArray& text, const char* name = "trace.json") {
    QFile file(folder.filePath(QLatin1String(name)));
    EXPECT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(text);
    return file.fileName();
  }
  void load(const QByteArray& text = kTrace) {
    panel().openTrace(write(text));
    EXPECT_TRUE(panel().isLoading());
    EXPECT_TRUE(eventually([&] { return !panel().isLoading(); }));
  }
  SliceRef find(const QString& name) { return SliceSet::matching(*view().model(), name).next(*view().model(), {}, 1); }
};

TEST_F(TimelineWindow, SaysHowToGetATraceAndOffersToRecordOne) {
  EXPECT_FALSE(panel().hasTrace());
  EXPECT_FALSE(window->action(QStringLiteral("export_trace"))->isEnabled());
  open();
  auto* choice = window->findChild<QCheckBox*>(QStringLiteral("record_timeline"));
  ASSERT_NE(choice, nullptr);
  EXPECT_FALSE(choice->isChecked());
  emit panel().recordRequested();
  EXPECT_TRUE(choice->isChecked());
  ASSERT_TRUE(eventually([&] { return engine.isRunning(); }));
  const QString file = QString::fromStdString(engine.last("run").value("trace_file", std::string()));
  ASSERT_FALSE(file.isEmpty());
  EXPECT_TRUE(QFileInfo(file).isAbsolute());
  // What the worker would write.
  QFile written(file);
  ASSERT_TRUE(written.open(QIODevice::WriteOnly));
  written.write(kTrace);
  written.close();
  engine.finishRun(reportJson(false));
  ASSERT_TRUE(eventually([&] { return panel().hasTrace(); }));
  EXPECT_TRUE(panel().summaryText().contains(QStringLiteral("Run 1: 5 slices")));
  make();
  EXPECT_FALSE(QFileInfo::exists(file)) << "deleted with the window";
  EXPECT_TRUE(workspace->settings.recordTimeline()) << "remembered";
}

TEST_F(TimelineWindow, ARunWithoutTheChoiceRecordsNothing) {
  open();
  window->runPanel().run();
  ASSERT_TRUE(eventually([&] { return engine.isRunning(); }));
  EXPECT_TRUE(engine.last("run").value("trace_file", std::string()).empty());
}

TEST_F(TimelineWindow, ASliceLeadsToItsLayerAndALayersSlicesAreMarked) {
  open();
  load();
  ASSERT_TRUE(panel().hasTrace());
  EXPECT_EQ(view().model()->tracks().size(), 3u);
  view().select(find(QStringLiteral("stem/relu")));
  EXPECT_TRUE(panel().details()->text().contains(QStringLiteral("Duration: 100")));
  auto* link = panel().findChild<QToolButton*>(QStringLiteral("slice_layer"));
  EXPECT_EQ(link->text(), QStringLiteral("stem/relu"));
  link->click();
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{1});
  EXPECT_EQ(view().highlighted().count, 1u);
  workspace->selection.select({0, 1});
  EXPECT_EQ(view().highlighted().count, 2u);
  // A number that the open model does not have, and a name with markup.
  view().select(find(QStringLiteral("head/foo")));
  EXPECT_TRUE(link->isHidden());
  EXPECT_TRUE(panel().details()->text().startsWith(QStringLiteral("Foo <b>head/foo</b>")));
  view().select(find(QStringLiteral("host to")));
  EXPECT_TRUE(panel().details()->text().contains(QStringLiteral("2.00 GB/s")));
}

TEST_F(TimelineWindow, AnAreaIsSummedUpSortedAndCopied) {
  load();
  QTest::keyClick(&view(), Qt::Key_A, Qt::ControlModifier);
  ASSERT_EQ(panel().aggregates().rowCount(), 5);
  auto* table = panel().findChild<QTreeView*>(QStringLiteral("timeline_table"));
  EXPECT_EQ(table->model()->index(0, 0).data().toString(), QStringLiteral("request"));
  table->sortByColumn(AggregateModel::kTotal, Qt::AscendingOrder);
  EXPECT_EQ(table->model()->index(0, 0).data().toString(), QStringLiteral("host to OPENCL-CPU:0"));
  panel().copyAggregates();
  const QStringList lines = QGuiApplication::clipboard()->text().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
  ASSERT_EQ(lines.size(), 6);
  EXPECT_EQ(lines[1], QStringLiteral("host to OPENCL-CPU:0,OPENCL-CPU:0,1,0.05,0.05,0.05,%1,100000,2")
                          .arg(QString::number(50.0 / 1550, 'g', 9)));
}

TEST_F(TimelineWindow, TheSearchFieldCountsAndEnterGoesOn) {
  load();
  auto* search = panel().findChild<FilterEdit*>(QStringLiteral("timeline_search"));
  QTest::keyClicks(search, QStringLiteral("stem"));
  QTest::keyClick(search, Qt::Key_Return);
  EXPECT_EQ(view().found().count, 2u);
  const SliceRef first = view().selected();
  QTest::keyClick(search, Qt::Key_Return);
  EXPECT_NE(view().selected(), first);
}

TEST_F(TimelineWindow, ADamagedFileIsRefusedAndWhatWasShownStays) {
  load();
  QSignalSpy failed(&panel(), &TimelinePanel::failed);
  load(kTrace.left(300));
  EXPECT_EQ(failed.count(), 1);
  EXPECT_TRUE(panel().hasTrace());
  EXPECT_EQ(window->messages().kind(), MessageKind::Error);
  EXPECT_TRUE(window->messages().text().contains(QStringLiteral("ends in the middle")));
}

TEST_F(TimelineWindow, LoadingCanBeStopped) {
  panel().openTrace(write(kTrace));
  panel().cancelLoading();
  EXPECT_FALSE(panel().isLoading());
  QCoreApplication::processEvents();
  EXPECT_FALSE(panel().hasTrace());
}

TEST_F(TimelineWindow, ATraceIsOpenedByNameAndExportedAsItWas) {
  window->openAny(write(kTrace));
  ASSERT_TRUE(eventually([&] { return panel().hasTrace(); }));
  QSignalSpy exported(&panel(), &TimelinePanel::exported), failed(&panel(), &TimelinePanel::failed);
  const QString to = folder.filePath(QStringLiteral("copy.json"));
  panel().exportTrace(to);
  ASSERT_TRUE(eventually([&] { return exported.count() == 1; }));
  QFile copy(to);
  ASSERT_TRUE(copy.open(QIODevice::ReadOnly));
  EXPECT_EQ(copy.readAll(), kTrace);
  panel().exportTrace(QStringLiteral("/nowhere/copy.json"));
  ASSERT_TRUE(eventually([&] { return failed.count() == 1; }));
}

} // namespace
} // namespace tandem::ui::test
