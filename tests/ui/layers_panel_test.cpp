// SPDX-License-Identifier: GPL-3.0-or-later
// The graph and the table of layers: finding, painting, copies of blocks, what can be copied and saved.
#include "tests/ui/window_fixture.hpp"
#include "ui/models/layer_table_model.hpp"
#include "ui/widgets/common/common.hpp"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QCompleter>
#include <QFile>
#include <QLabel>
#include <QListView>
#include <QMenu>
#include <QMouseEvent>
#include <QStandardItemModel>
#include <QToolButton>
#include <QTreeView>

namespace tandem::ui::test {
namespace {

/// Blocks of Conv, Relu, Add behind a stem; the scopes are "b0", "b1", ... or none.
Json blocksDocument(int blocks, bool scopes) {
  Json nodes = Json::array(), values = Json::array();
  const auto node = [&](const std::string& name, const char* op, const std::string& scope, const std::vector<int>& in) {
    const int index = static_cast<int>(nodes.size());
    values.push_back({{"name", "v" + std::to_string(index + 1)},
                      {"type", index % 2 == 0 ? "float32" : "float16"},
                      {"shape", {1, 8, 4, 4}},
                      {"bytes", 4096},
                      {"producer", index},
                      {"consumers", Json::array()}});
    for (const int value : in) values[static_cast<std::size_t>(value)]["consumers"].push_back(index);
    nodes.push_back({{"name", name},
                     {"op", op},
                     {"scope", scope},
                     {"version", 13},
                     {"attributes", Json::array()},
                     {"inputs", in},
                     {"outputs", Json::array({index + 1})},
                     {"flops", 1e6 * (index + 1)},
                     {"parameter_bytes", 1000},
                     {"activation_bytes", 24}});
    return index + 1; // its value
  };
  values.push_back({{"name", "x"},
                    {"type", "float32"},
                    {"shape", {1, 3, 4, 4}},
                    {"bytes", 192},
                    {"producer", -1},
                    {"consumers", Json::array()}});
  int last = node("stem", "Pool", "", {0});
  for (int i = 0; i < blocks; ++i) {
    const std::string scope = scopes ? "b" + std::to_string(i) : std::string();
    const std::string prefix = "b" + std::to_string(i) + "/";
    const int conv = node(prefix + "conv", "Conv", scope, {last});
    const int relu = node(prefix + "relu", "Relu", scope, {conv});
    last = node(prefix + "add", "Add", scope, {relu, last});
  }
  return {{"handle", 21},
          {"source", "/models/blocks.onnx"},
          {"name", "blocks"},
          {"sha256", "def"},
          {"opset", 13},
          {"nodes", nodes},
          {"values", values},
          {"inputs", Json::array({0})},
          {"outputs", Json::array({last})}};
}

class Layers : public Window {
 protected:
  void openBlocks(int blocks, bool scopes = true) {
    engine.handlers[session::method::kOpen] = [=](const Json&) -> Result<Json> {
      return blocksDocument(blocks, scopes);
    };
    engine.handlers[session::method::kPlacement] = [blocks](const Json& params) -> Result<Json> {
      const Json placement = params.at("placement"), nodes = placement.value("nodes", Json::object());
      Json view = {{"requested", Json::array()}, {"effective", Json::array()}, {"reason", Json::array()},
                   {"detail", Json::array()},    {"transfers", Json::array()}, {"summary", "blocks"}};
      const auto add = [&](const std::string& name) {
        const std::string device =
            nodes.contains(name) ? nodes.at(name).get<std::string>() : placement.at("default").get<std::string>();
        view["requested"].push_back(device);
        view["effective"].push_back(device);
        view["reason"].push_back("");
        view["detail"].push_back("");
      };
      add("stem");
      for (int i = 0; i < blocks; ++i)
        for (const char* part : {"conv", "relu", "add"}) add("b" + std::to_string(i) + "/" + part);
      return view;
    };
    open(QStringLiteral("/models/blocks.onnx"));
  }
  FilterEdit* field() { return window->findChild<FilterEdit*>(QStringLiteral("layer_filter")); }
  QLabel* problem() { return window->findChild<QLabel*>(QStringLiteral("filter_problem")); }
  QTreeView* table() { return window->findChild<QTreeView*>(QStringLiteral("layer_table")); }
  QAction* action(const char* name) { return window->action(QLatin1String(name)); }
  GraphCanvas* canvas() { return window->layers().canvas(); }
  void find(const QString& text) {
    field()->setText(text);
    EXPECT_TRUE(eventually([&] { return window->layers().search().text() == text; }));
  }
};

TEST_F(Layers, AFilterMarksHitsOnTheGraphAndLeavesTheTableWithThem) {
  openBlocks(4);
  find(QStringLiteral("op:Conv -b2"));
  EXPECT_EQ(window->layers().search().hits(), (QList<int>{1, 4, 10}));
  EXPECT_EQ(table()->model()->rowCount(), 3);
  EXPECT_EQ(field()->accessibleDescription(), QStringLiteral("3 of 13"));
  EXPECT_TRUE(problem()->isHidden());
  find(QStringLiteral("type:float16 flops>4M"));
  EXPECT_EQ(window->layers().search().hits(), (QList<int>{5, 7, 9, 11}));
  field()->clear();
  EXPECT_EQ(table()->model()->rowCount(), 13);
}

TEST_F(Layers, AWrongFilterIsExplainedUnderTheFieldAndTheRestStillFilters) {
  openBlocks(2);
  find(QStringLiteral("op:Conv t>1parsec"));
  EXPECT_FALSE(problem()->isHidden());
  EXPECT_TRUE(problem()->text().contains(QStringLiteral("<u>parsec</u>"))) << problem()->text().toStdString();
  EXPECT_TRUE(problem()->text().contains(QStringLiteral("us, ms, s")));
  EXPECT_EQ(table()->model()->rowCount(), 2);
  find(QStringLiteral("t>1ms"));
  EXPECT_TRUE(problem()->text().contains(QStringLiteral("F8"))) << "nothing can match before a measurement";
  find(QStringLiteral("conv"));
  EXPECT_TRUE(problem()->isHidden());
}

TEST_F(Layers, EnterAndF3GoThroughTheHitsAndCtrlEnterSelectsThem) {
  openBlocks(3);
  find(QStringLiteral("op:Relu"));
  QTest::keyClick(field(), Qt::Key_Return);
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{2});
  action("find_next")->trigger();
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{5});
  QTest::keyClick(field(), Qt::Key_Return, Qt::ShiftModifier);
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{2});
  action("find_previous")->trigger();
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{8}) << "round the end";
  action("find_next")->trigger();
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{2});
  EXPECT_EQ(action("select_hits")->shortcut(), QKeySequence(Qt::CTRL | Qt::Key_Return));
  action("select_hits")->trigger();
  EXPECT_EQ(workspace->selection.nodes(), (QList<int>{2, 5, 8}));
  EXPECT_EQ(canvas()->selection(), (QList<int>{2, 5, 8}));
}

TEST_F(Layers, FilteringTakesNoLayerOutOfTheSelection) {
  openBlocks(3);
  workspace->selection.select({1, 2, 3});
  find(QStringLiteral("op:Relu"));
  EXPECT_EQ(workspace->selection.nodes(), (QList<int>{1, 2, 3}));
  EXPECT_EQ(table()->selectionModel()->selectedRows().size(), 1);
  field()->clear();
  EXPECT_EQ(table()->selectionModel()->selectedRows().size(), 3);
}

TEST_F(Layers, TheHitsFollowThePlacement) {
  openBlocks(3);
  find(QStringLiteral("dev:OPENCL"));
  EXPECT_TRUE(window->layers().search().hits().isEmpty());
  workspace->document.assign({4, 5}, QStringLiteral("OPENCL-CPU:0"));
  settle();
  EXPECT_EQ(window->layers().search().hits(), (QList<int>{4, 5}));
  EXPECT_EQ(table()->model()->rowCount(), 2);
}

TEST_F(Layers, TheFieldCompletesFiltersOperatorsAndDevices) {
  openBlocks(2);
  field()->setFocus();
  QTest::keyClicks(field(), QStringLiteral("b1 -op:Re"));
  auto* completer = window->layers().findChild<QCompleter*>();
  ASSERT_NE(completer, nullptr);
  EXPECT_TRUE(completer->popup()->isVisible());
  ASSERT_EQ(completer->completionCount(), 1);
  QTest::keyClick(completer->popup(), Qt::Key_Down);
  QTest::keyClick(completer->popup(), Qt::Key_Return);
  EXPECT_EQ(field()->text(), QStringLiteral("b1 -op:Relu"));
  EXPECT_FALSE(completer->popup()->isVisible());
}

TEST_F(Layers, TenThousandLayersAreFilteredInOneStep) {
  openBlocks(3334);
  int changes = 0, rows = 0;
  QObject::connect(&window->layers().search(), &LayerSearch::changed, &window->layers(), [&] { ++changes; });
  QObject::connect(table()->model(), &QAbstractItemModel::rowsRemoved, &window->layers(), [&] { ++rows; });
  find(QStringLiteral("op:Conv"));
  EXPECT_EQ(window->layers().search().hits().size(), 3334);
  EXPECT_EQ(table()->model()->rowCount(), 3334);
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(rows, 0) << "rows that go one by one make typing slow";
}

TEST_F(Layers, AStrokeOfTheBrushIsOneUndoStep) {
  openBlocks(2);
  canvas()->fitToWindow();
  auto* button = window->findChild<QToolButton*>(QStringLiteral("paint"));
  button->click();
  EXPECT_TRUE(canvas()->isPainting());
  EXPECT_EQ(canvas()->brush(), 1);
  const QPoint from = canvas()->viewPosOf(1), to = canvas()->viewPosOf(2);
  QTest::mousePress(canvas()->viewport(), Qt::LeftButton, Qt::NoModifier, from);
  QMouseEvent move(QEvent::MouseMove, to, canvas()->viewport()->mapToGlobal(to), Qt::NoButton, Qt::LeftButton,
                   Qt::NoModifier);
  QApplication::sendEvent(canvas()->viewport(), &move);
  QTest::mouseRelease(canvas()->viewport(), Qt::LeftButton, Qt::NoModifier, to);
  EXPECT_EQ(requested(1), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(requested(2), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(workspace->document.undoStack()->count(), 1);
  action("undo")->trigger();
  EXPECT_EQ(requested(1), QStringLiteral("CPU:0"));
  EXPECT_EQ(requested(2), QStringLiteral("CPU:0"));
  button->click();
  EXPECT_FALSE(canvas()->isPainting());
}

TEST_F(Layers, AllCopiesOfABlockAreSelectedAndPlacedTogether) {
  openBlocks(5);
  EXPECT_EQ(canvas()->scene().copyText(2), QStringLiteral("3 of 5 copies"));
  workspace->selection.select({4});
  EXPECT_TRUE(action("select_copies")->text().contains(QStringLiteral("5 copies")));
  auto* put = window->findChild<QAction*>(QStringLiteral("assign_copies_OPENCL-CPU:0"));
  ASSERT_NE(put, nullptr);
  EXPECT_TRUE(put->isEnabled());
  put->trigger();
  EXPECT_EQ(requested(1), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(requested(15), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(requested(0), QStringLiteral("CPU:0")) << "the stem is in no copy";
  EXPECT_EQ(workspace->document.undoStack()->count(), 1);
  action("select_counterparts")->trigger();
  EXPECT_EQ(workspace->selection.nodes(), (QList<int>{1, 4, 7, 10, 13}));
  action("select_copies")->trigger();
  EXPECT_EQ(workspace->selection.nodes().size(), 15);
  workspace->selection.select({0});
  EXPECT_FALSE(action("select_copies")->isEnabled());
}

TEST_F(Layers, BlocksAreFoundInAModelWithoutScopes) {
  openBlocks(6, false);
  EXPECT_EQ(canvas()->scene().scopeCount(), 0);
  workspace->selection.select({5});
  action("select_copies")->trigger();
  EXPECT_EQ(workspace->selection.nodes().size(), 18);
}

TEST_F(Layers, SelectsUpToTheInputAndFollowsEdges) {
  openBlocks(3);
  workspace->selection.select({6});
  action("follow_input")->trigger();
  EXPECT_EQ(workspace->selection.nodes(), (QList<int>{3, 5}));
  action("select_upstream")->trigger();
  EXPECT_EQ(workspace->selection.nodes(), (QList<int>{0, 1, 2, 3, 4, 5}));
  action("follow_output")->trigger();
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{6});
  workspace->selection.select({9});
  EXPECT_FALSE(action("follow_output")->isEnabled()) << "the model's output";
}

TEST_F(Layers, TheMenuOfTheGraphOffersWhatCanBeDoneWithLayers) {
  openBlocks(3);
  workspace->selection.select({4});
  const auto* menu = window->findChild<QMenu*>(QStringLiteral("layer_menu"));
  ASSERT_NE(menu, nullptr);
  for (const char* name : {"select_operator", "select_scope", "select_copies", "select_counterparts", "select_upstream",
                           "select_downstream", "follow_input", "follow_output", "copy_names", "copy_rows"}) {
    EXPECT_TRUE(menu->actions().contains(action(name))) << name;
    EXPECT_TRUE(action(name)->isEnabled()) << name;
  }
  action("copy_names")->trigger();
  EXPECT_EQ(QApplication::clipboard()->text(), QStringLiteral("b1/conv"));
}

TEST_F(Layers, CtrlCCopiesTheSelectedRowsAsCsvInTheOrderOfTheTable) {
  openBlocks(2);
  window->layers().showTable();
  for (int column = 0; column < LayerTableModel::kColumns; ++column)
    table()->setColumnHidden(column, column != LayerTableModel::kName && column != LayerTableModel::kFlops &&
                                         column != LayerTableModel::kMemory && column != LayerTableModel::kTime);
  table()->sortByColumn(LayerTableModel::kFlops, Qt::DescendingOrder);
  workspace->selection.select({1, 4});
  QTest::keyClick(table(), Qt::Key_C, Qt::ControlModifier);
  EXPECT_EQ(QApplication::clipboard()->text(),
            QStringLiteral("Layer,FLOPs,Memory (B),Measured (ms)\nb1/conv,5000000,1024,\nb0/conv,2000000,1024,\n"));
}

TEST_F(Layers, TheDeviceIsChosenInItsCell) {
  openBlocks(2);
  window->layers().showTable();
  const QModelIndex cell = table()->model()->index(2, LayerTableModel::kRequested);
  EXPECT_TRUE(cell.flags().testFlag(Qt::ItemIsEditable));
  EXPECT_FALSE(table()->model()->index(2, LayerTableModel::kName).flags().testFlag(Qt::ItemIsEditable));
  table()->setCurrentIndex(table()->model()->index(2, LayerTableModel::kName));
  QTest::keyClick(table(), Qt::Key_F2);
  auto* box = table()->findChild<QComboBox*>(QStringLiteral("device_cell"));
  ASSERT_NE(box, nullptr);
  EXPECT_EQ(box->currentText(), QStringLiteral("CPU:0"));
  box->setCurrentIndex(1);
  emit box->activated(1);
  EXPECT_EQ(requested(2), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(requested(3), QStringLiteral("CPU:0"));
  EXPECT_EQ(workspace->document.undoStack()->count(), 1);
}

TEST_F(Layers, ColouringByTimeWaitsForAMeasurement) {
  openBlocks(1);
  auto* colors = window->findChild<QComboBox*>(QStringLiteral("color_mode"));
  const int time = colors->findText(QStringLiteral("Time"));
  ASSERT_GE(time, 0);
  const auto* model = qobject_cast<QStandardItemModel*>(colors->model());
  EXPECT_FALSE(model->item(time)->isEnabled());
  EXPECT_TRUE(colors->itemData(time, Qt::ToolTipRole).toString().contains(QStringLiteral("F8")));
  engine.handlers[session::method::kProfile] = [](const Json&) -> Result<Json> {
    return Json{{"model", "blocks"},
                {"batch", 1},
                {"times",
                 {{{"node", 1},
                   {"nodes", {1, 2}},
                   {"requested", "placement"},
                   {"device", "CPU:0"},
                   {"kernel", "k"},
                   {"mean_ms", 2.0},
                   {"min_ms", 2.0},
                   {"median_ms", 2.0}}}},
                {"totals", {{{"device", "placement"}, {"mean_ms", 2.0}, {"median_ms", 2.0}, {"transfer_ms", 0.5}}}},
                {"peaks", Json::array()}};
  };
  workspace->document.profile();
  EXPECT_TRUE(eventually([&] { return !workspace->document.isMeasuring(); }));
  EXPECT_TRUE(model->item(time)->isEnabled());
  EXPECT_EQ(canvas()->scene().ms(1), 2.0);
  EXPECT_EQ(canvas()->scene().ms(2), kMeasuredWithOther);
  EXPECT_EQ(canvas()->scene().ms(3), kNotMeasured);
  EXPECT_EQ(canvas()->scene().transferMs(), 0.5);
  EXPECT_FALSE(canvas()->scene().isMeasuredStale());
  workspace->document.assign({1}, QStringLiteral("OPENCL-CPU:0"));
  EXPECT_TRUE(canvas()->scene().isMeasuredStale());
}

TEST_F(Layers, PicturesAreSavedBySuffixAndLimitsAreSaid) {
  openBlocks(3);
  const LayersPanel& layers = window->layers();
  const auto svg = layers.savePicture(folder.filePath(QStringLiteral("graph.svg")));
  ASSERT_TRUE(svg.ok());
  EXPECT_TRUE(svg->isEmpty());
  const auto png = layers.savePicture(folder.filePath(QStringLiteral("graph.PNG")));
  ASSERT_TRUE(png.ok());
  EXPECT_TRUE(png->isEmpty());
  EXPECT_TRUE(QFile::exists(folder.filePath(QStringLiteral("graph.PNG"))));
  const auto other = layers.savePicture(folder.filePath(QStringLiteral("graph.jpg")));
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.error().hint.find(".svg"), std::string::npos);
  EXPECT_FALSE(layers.savePicture(QStringLiteral("/nowhere/at/all/graph.svg")).ok());
  openBlocks(2000, false);
  const auto tall = layers.savePicture(folder.filePath(QStringLiteral("tall.png")));
  ASSERT_TRUE(tall.ok());
  EXPECT_TRUE(tall->contains(QStringLiteral("16,384 pixels"))) << tall->toStdString();
}

} // namespace
} // namespace tandem::ui::test
