// SPDX-License-Identifier: GPL-3.0-or-later
// Layers against what their devices can do: what is asked of the engine, what shows, what is selected, what leaves.
#include "tests/ui/window_fixture.hpp"
#include "ui/models/layer_table_model.hpp"
#include "ui/panels/roofline/roofline_panel.hpp"
#include "ui/widgets/chart/roofline_chart.hpp"
#include "ui/widgets/common/common.hpp"

#include <QAction>
#include <QDockWidget>
#include <QFile>
#include <QLabel>
#include <QTreeView>

namespace tandem::ui::test {
namespace {

/// Conv and Relu are one kernel beyond the roof of the CPU; Foo moves data on the other device.
Json profileJson() {
  return {{"model", "small"},
          {"batch", 1},
          {"times",
           {{{"node", 0},
             {"nodes", {0, 1}},
             {"requested", "placement"},
             {"device", "CPU:0"},
             {"kernel", "onednn wino"},
             {"mean_ms", 1.1},
             {"min_ms", 0.9},
             {"median_ms", 1.0},
             {"flops", 143e6},
             {"least_bytes", 1'000'000},
             {"gflop_per_s", 143.0},
             {"gb_per_s", 1.0},
             {"flop_per_byte", 143.0},
             {"roof", "compute"},
             {"roof_ms", 1.43},
             {"roof_fraction", 1.43},
             {"compute_fraction", 1.43},
             {"memory_fraction", 0.1}},
            {{"node", 2},
             {"nodes", {2}},
             {"requested", "placement"},
             {"device", "OPENCL-CPU:0"},
             {"kernel", "opencl copy"},
             {"mean_ms", 0.5},
             {"min_ms", 0.5},
             {"median_ms", 0.5},
             {"flops", 0.0},
             {"least_bytes", 400'000},
             {"gb_per_s", 0.8},
             {"roof", "memory"},
             {"roof_ms", 0.05},
             {"roof_fraction", 0.1}}}},
          {"totals",
           {{{"device", "placement"},
             {"mean_ms", 1.7},
             {"median_ms", 1.6},
             {"transfer_ms", 0.1},
             {"compile_ms", 3.0},
             {"summary", "3 nodes"},
             {"flops", 143e6},
             {"unknown_layers", 0},
             {"gflop_per_s", 89.4},
             {"peak_fraction", 0.894},
             {"roof_fraction", 0.987}}}},
          {"peaks",
           {{{"device", "CPU:0"}, {"threads", 2}, {"gflops", 100.0}, {"memory_gb_per_s", 10.0}},
            {{"device", "OPENCL-CPU:0"}, {"gflops", 50.0}, {"memory_gb_per_s", 8.0}}}}};
}

class RooflineWindow : public Window {
 protected:
  RooflineWindow() {
    engine.handlers[session::method::kProfile] = [](const Json&) -> Result<Json> { return profileJson(); };
    // Foo is known here, or the model could not run.
    engine.handlers[session::method::kOpen] = [](const Json& params) -> Result<Json> {
      return smallDocument(params.value("model", std::string("/models/small.onnx")), 11);
    };
  }
  RooflinePanel& panel() { return window->rooflinePanel(); }
  QTreeView* table() { return window->findChild<QTreeView*>(QStringLiteral("roofline_table")); }
  QString cell(int row, int column) { return table()->model()->index(row, column).data().toString(); }
  QString plain(QString text) { return text.replace(QChar(0x00a0), QLatin1Char(' ')); }
  void measure() {
    window->action(QStringLiteral("measure_layers"))->trigger();
    EXPECT_TRUE(eventually([&] { return !workspace->document.isMeasuring() && idle(); }));
  }
};

TEST_F(RooflineWindow, SaysWhatToDoBeforeTheFirstMeasurement) {
  const auto says = [&](const char* text) {
    for (const QLabel* label : panel().findChild<EmptyState*>()->findChildren<QLabel*>())
      if (label->text().contains(QLatin1String(text))) return true;
    return false;
  };
  EXPECT_TRUE(says("No model is open"));
  EXPECT_FALSE(window->action(QStringLiteral("measure_layers"))->isEnabled());
  open();
  EXPECT_TRUE(says("Measure the layers (F8)"));
  EXPECT_TRUE(window->action(QStringLiteral("measure_layers"))->isEnabled());
  EXPECT_FALSE(window->action(QStringLiteral("export_roofline"))->isEnabled());
  EXPECT_EQ(window->action(QStringLiteral("measure_layers"))->shortcut(), QKeySequence(Qt::Key_F8));
}

TEST_F(RooflineWindow, MeasuresThePlacementThatIsOnTheScreenAndTheDevicesToo) {
  open();
  workspace->document.assign({2}, QStringLiteral("OPENCL-CPU:0"));
  settle();
  measure();
  const Json asked = engine.last(session::method::kProfile);
  EXPECT_EQ(asked.at("placement").at("nodes").at("head/foo"), "OPENCL-CPU:0");
  EXPECT_EQ(asked.at("probe"), true);
  EXPECT_TRUE(panel().hasResult());
  EXPECT_EQ(window->findChild<QDockWidget*>(QStringLiteral("dock_roofline"))->isVisible(), true);
}

TEST_F(RooflineWindow, ShowsWhatLosesMostFirstAndSharesOver100PercentAsTheyAre) {
  open();
  measure();
  ASSERT_EQ(table()->model()->rowCount(), 2);
  EXPECT_EQ(cell(0, RooflineModel::kLayer), QStringLiteral("head/foo"));
  EXPECT_EQ(plain(cell(0, RooflineModel::kShare)), QStringLiteral("10 %"));
  EXPECT_EQ(cell(0, RooflineModel::kGflops), QStringLiteral("–"));
  EXPECT_EQ(cell(0, RooflineModel::kIntensity), QStringLiteral("–"));
  EXPECT_EQ(cell(0, RooflineModel::kRoof), QStringLiteral("memory"));
  EXPECT_EQ(cell(1, RooflineModel::kLayer), QStringLiteral("stem/conv"));
  EXPECT_EQ(cell(1, RooflineModel::kOperator), QStringLiteral("Conv +1"));
  EXPECT_EQ(plain(cell(1, RooflineModel::kShare)), QStringLiteral("143 %"));
  const QString tip = plain(table()->model()->index(1, 0).data(Qt::ToolTipRole).toString());
  for (const char* part : {"stem/conv", "Conv", "onednn wino", "1.00 ms", "143 %", "Winograd"})
    EXPECT_TRUE(tip.contains(QLatin1String(part))) << part << " in " << tip.toStdString();
  EXPECT_EQ(plain(panel().summaryText()),
            QStringLiteral("Whole model 1.60 ms, 89.4 GFLOP/s = 89 % of the measured peak; layers at 99 % of their "
                           "roofs, weighted by time"));
  workspace->document.assign({0}, QStringLiteral("OPENCL-CPU:0"));
  EXPECT_TRUE(panel().summaryText().startsWith(QStringLiteral("The placement has changed since")));
}

TEST_F(RooflineWindow, LayersWithoutOperationsAreInTheTableOnlyAndTheChartSaysSo) {
  open();
  measure();
  EXPECT_EQ(panel().chart()->dotCount(), 1);
  const QString summary = panel().chart()->summary();
  EXPECT_TRUE(summary.contains(QStringLiteral("1 without operations in the table only"))) << summary.toStdString();
  EXPECT_TRUE(summary.contains(QStringLiteral("2 thread"))) << summary.toStdString();
}

TEST_F(RooflineWindow, ADotARowAndTheCanvasSelectEachOther) {
  open();
  measure();
  RooflineChart* chart = panel().chart();
  const int conv = panel().model().rowOf(0);
  EXPECT_EQ(panel().model().rowOf(1), conv) << "Relu is computed with Conv";
  QTest::mouseClick(chart, Qt::LeftButton, {}, chart->positionOf(conv).toPoint());
  EXPECT_EQ(workspace->selection.nodes(), (QList<int>{0, 1})) << "all that the kernel computes";
  EXPECT_EQ(window->layers().canvas()->selection(), (QList<int>{0, 1}));
  ASSERT_EQ(table()->selectionModel()->selectedRows().size(), 1);
  EXPECT_EQ(table()->selectionModel()->selectedRows().first().data().toString(), QStringLiteral("stem/conv"));
  table()->setCurrentIndex(table()->model()->index(0, 0));
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{2});
  EXPECT_EQ(chart->selected(), QList<int>{panel().model().rowOf(2)});
  workspace->selection.select({1});
  EXPECT_EQ(chart->selected(), QList<int>{conv}) << "a fused layer is found by each of its nodes";
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{1}) << "the panel only follows";
  QTest::mouseMove(chart, chart->positionOf(conv).toPoint());
  EXPECT_EQ(workspace->selection.hovered(), 0);
  workspace->selection.setHovered(-1);
  EXPECT_EQ(chart->hovered(), -1);
}

TEST_F(RooflineWindow, TheLayerTableShowsTimeAndShareAndWhereAFusedLayerIsMeasured) {
  open();
  measure();
  const QAbstractItemModel* layers = window->findChild<QTreeView*>(QStringLiteral("layer_table"))->model();
  const auto text = [&](int row, int column) { return plain(layers->index(row, column).data().toString()); };
  EXPECT_EQ(text(0, LayerTableModel::kTime), QStringLiteral("1.00 ms"));
  EXPECT_EQ(text(0, LayerTableModel::kShare), QStringLiteral("143 %"));
  EXPECT_EQ(text(1, LayerTableModel::kTime), QStringLiteral("in stem/conv"));
  EXPECT_EQ(text(1, LayerTableModel::kShare), QString());
  EXPECT_EQ(text(2, LayerTableModel::kShare), QStringLiteral("10 %"));
}

TEST_F(RooflineWindow, AFailureIsShownAndADeviceWithoutPeaksIsNamed) {
  open();
  engine.handlers[session::method::kProfile] = [](const Json&) -> Result<Json> {
    return makeError(ErrorCode::DeviceFailed, "the device is gone", "OPENCL-CPU:0", "plug it in");
  };
  measure();
  EXPECT_TRUE(window->messages().isVisible());
  EXPECT_FALSE(panel().hasResult());
  engine.handlers[session::method::kProfile] = [](const Json&) -> Result<Json> {
    Json json = profileJson();
    json["peaks"][1] = {{"device", "OPENCL-CPU:0"}, {"problem", "not measured"}};
    for (const char* key : {"roof", "roof_ms", "roof_fraction"}) json["times"][1].erase(key);
    return json;
  };
  measure();
  EXPECT_TRUE(panel().summaryText().contains(QStringLiteral("OPENCL-CPU:0 has no peaks (not measured)")));
  EXPECT_EQ(cell(1, RooflineModel::kShare), QStringLiteral("–"));
}

TEST_F(RooflineWindow, AnotherModelForgetsTheMeasurement) {
  open();
  measure();
  ASSERT_TRUE(panel().hasResult());
  open(QStringLiteral("/models/other.onnx"));
  EXPECT_FALSE(panel().hasResult());
  EXPECT_EQ(panel().model().rowCount(), 0);
  EXPECT_EQ(panel().chart()->dotCount(), 0);
}

TEST_F(RooflineWindow, TenThousandLayersAreAllInTheTableAndSixHundredOnTheChart) {
  constexpr int kLayers = 10'000;
  engine.handlers[session::method::kOpen] = [](const Json&) -> Result<Json> {
    Json document = smallDocument("/models/huge.onnx", 12);
    const Json node = document["nodes"][0];
    document["nodes"] = Json::array();
    for (int i = 0; i < kLayers; ++i) {
      document["nodes"].push_back(node);
      document["nodes"].back()["name"] = "layer" + std::to_string(i);
    }
    document["values"] = Json::array({document["values"][0], document["values"][1]});
    for (Json& value : document["values"]) value["producer"] = -1, value["consumers"] = Json::array();
    document["outputs"] = {1};
    return document;
  };
  engine.handlers[session::method::kPlacement] = [](const Json&) -> Result<Json> {
    const std::vector<std::string> cpu(kLayers, "CPU:0"), none(kLayers);
    return Json{{"requested", cpu}, {"effective", cpu}, {"reason", none},
                {"detail", none},   {"summary", "s"},   {"transfers", Json::array()}};
  };
  engine.handlers[session::method::kProfile] = [](const Json&) -> Result<Json> {
    Json json = profileJson();
    const Json layer = json["times"][0];
    json["times"] = Json::array();
    for (int i = 0; i < kLayers; ++i) {
      json["times"].push_back(layer);
      json["times"].back()["node"] = i;
      json["times"].back()["nodes"] = {i};
      json["times"].back()["median_ms"] = 1.0 + i * 0.001;
    }
    return json;
  };
  open(QStringLiteral("/models/huge.onnx"));
  measure();
  EXPECT_EQ(table()->model()->rowCount(), kLayers);
  EXPECT_EQ(panel().chart()->dotCount(), RooflineChart::kMostDots);
  EXPECT_TRUE(panel().chart()->summary().contains(QStringLiteral("the 600 slowest of 10,000 layers")));
  window->action(QStringLiteral("select_all"))->trigger();
  EXPECT_EQ(panel().chart()->selected().size(), kLayers);
  EXPECT_FALSE(panel().chart()->grab().isNull());
}

TEST_F(RooflineWindow, ExportsTheTableWithEmptyFieldsForWhatIsNotKnown) {
  open();
  measure();
  const QString path = folder.filePath(QStringLiteral("roofline.csv"));
  ASSERT_TRUE(panel().exportCsv(path).ok());
  QFile file(path);
  ASSERT_TRUE(file.open(QIODevice::ReadOnly));
  const QStringList lines = QString::fromUtf8(file.readAll()).trimmed().split(QLatin1Char('\n'));
  ASSERT_EQ(lines.size(), 3);
  EXPECT_TRUE(lines[0].startsWith(QStringLiteral("layer,operator,layers,device,kernel,median_ms")));
  EXPECT_EQ(lines[1],
            QStringLiteral("head/foo,Foo,1,OPENCL-CPU:0,opencl copy,0.5,0.5,0.5,0,400000,,0.8,,memory,0.05,0.1"));
  EXPECT_EQ(lines[2].count(QLatin1Char(',')), lines[0].count(QLatin1Char(',')));
  EXPECT_FALSE(panel().exportCsv(QStringLiteral("/nowhere/roofline.csv")).ok());
}

} // namespace
} // namespace tandem::ui::test
