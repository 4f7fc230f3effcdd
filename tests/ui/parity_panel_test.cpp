// SPDX-License-Identifier: GPL-3.0-or-later
// The numeric comparison: what is asked of the engine, what shows, what leaves.
#include "tests/ui/window_fixture.hpp"
#include "ui/panels/parity/parity_panel.hpp"
#include "ui/panels/run/predict_view.hpp"
#include "ui/panels/run/run_panel.hpp"
#include "ui/widgets/common/common.hpp"

#include <QAction>
#include <QClipboard>
#include <QComboBox>
#include <QDockWidget>
#include <QFile>
#include <QGuiApplication>
#include <QPushButton>
#include <QTreeView>

#include <cmath>

namespace tandem::ui::test {
namespace {

Json figures(double worst, double maxAbs) {
  return {{"max_abs", maxAbs}, {"max_rel", 0.1}, {"rms", 0.01},     {"relative_rms", 0.02},
          {"cosine", 0.999},   {"worst", worst}, {"elements", 192}, {"over", worst > 1 ? 5 : 0},
          {"special", 0},      {"index", 3},     {"a", 1.0},        {"b", 1.5}};
}

Json layer(int node, const char* name, const char* op, double local, double total) {
  return {{"node", node},
          {"name", name},
          {"op", op},
          {"device_a", "CPU:0"},
          {"device_b", "OPENCL-CPU:0"},
          {"kernel_a", "onednn"},
          {"kernel_b", "opencl"},
          {"value", "v"},
          {"type", "float32"},
          {"shape", {1, 3, 8, 8}},
          {"local", figures(local, local / 100)},
          {"accumulated", figures(total, total / 100)},
          {"exceeds", local > 1 || total > 1}};
}

/// Relu is off by itself, Conv is exact, Foo only carries the error on.
Json parityJson() {
  const Json output = {{"name", "y"},
                       {"type", "float32"},
                       {"shape", {1, 3, 8, 8}},
                       {"compiled", figures(2, 0.02)},
                       {"layers", figures(2, 0.02)},
                       {"fusion_a", figures(0, 0)},
                       {"fusion_b", figures(0, 0)},
                       {"exceeds", true}};
  return {{"model", "small"},
          {"a", {{"name", "CPU:0"}, {"summary", "3 nodes: 3 CPU:0"}}},
          {"b", {{"name", "OPENCL-CPU:0"}, {"summary", "3 nodes: 3 OPENCL-CPU:0"}}},
          {"input", "synthetic, seed 1"},
          {"compared", 3},
          {"over", 2},
          {"failed", 0},
          {"known", 0},
          {"passed", false},
          {"outputs", Json::array({output})},
          {"layers",
           {layer(1, "stem/relu", "Relu", 40, 40), layer(2, "head/foo", "Foo", 0.001, 50),
            layer(0, "stem/conv", "Conv", 0, 0)}}};
}

class ParityWindow : public Window {
 protected:
  ParityWindow() {
    engine.handlers[session::method::kParity] = [](const Json&) -> Result<Json> { return parityJson(); };
  }
  ParityPanel& panel() { return window->parityPanel(); }
  QTreeView* table() { return window->findChild<QTreeView*>(QStringLiteral("parity_table")); }
  QComboBox* choice(const char* name) { return window->findChild<QComboBox*>(QLatin1String(name)); }
  void compare() {
    window->action(QStringLiteral("compare_numerics"))->trigger();
    EXPECT_TRUE(eventually([&] { return !panel().isBusy(); }));
  }
  QString cell(int row, int column) { return table()->model()->index(row, column).data().toString(); }
};

TEST_F(ParityWindow, OffersTheDevicesAndThePlacementAndIsEmptyBeforeTheFirstComparison) {
  EXPECT_FALSE(window->action(QStringLiteral("compare_numerics"))->isEnabled());
  open();
  EXPECT_TRUE(window->action(QStringLiteral("compare_numerics"))->isEnabled());
  EXPECT_EQ(choice("parity_a")->currentData().toString(), QStringLiteral("CPU:0"));
  EXPECT_EQ(choice("parity_b")->currentData().toString(), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(choice("parity_b")->count(), 5) << "two of them in float16";
  EXPECT_FALSE(panel().hasResult());
  EXPECT_FALSE(window->action(QStringLiteral("export_parity"))->isEnabled());
}

TEST_F(ParityWindow, ComparesAndShowsTheWorstLayerFirst) {
  open();
  compare();
  const Json asked = engine.last(session::method::kParity);
  EXPECT_EQ(asked.at("a"), (Json{{"device", "CPU:0"}}));
  EXPECT_EQ(asked.at("b"), (Json{{"device", "OPENCL-CPU:0"}}));
  EXPECT_TRUE(asked.at("inputs").empty());
  EXPECT_FALSE(asked.contains("rtol"));
  ASSERT_TRUE(panel().hasResult());
  ASSERT_EQ(table()->model()->rowCount(), 3);
  EXPECT_EQ(cell(0, ParityModel::kLayer), QStringLiteral("stem/relu"));
  EXPECT_EQ(cell(2, ParityModel::kLayer), QStringLiteral("stem/conv"));
  EXPECT_TRUE(cell(0, ParityModel::kRemark).contains(QStringLiteral("over the tolerance")));
  EXPECT_TRUE(panel().summaryText().startsWith(QStringLiteral("Different numbers")));
  table()->sortByColumn(ParityModel::kTotalError, Qt::DescendingOrder);
  EXPECT_EQ(cell(0, ParityModel::kLayer), QStringLiteral("head/foo"));
  workspace->document.assign({0}, QStringLiteral("OPENCL-CPU:0"));
  EXPECT_TRUE(panel().summaryText().contains(QStringLiteral("has changed since")));
}

TEST_F(ParityWindow, ARowAndTheCanvasSelectEachOther) {
  open();
  compare();
  table()->setCurrentIndex(table()->model()->index(0, 0));
  EXPECT_EQ(workspace->selection.nodes(), QList<int>{1});
  EXPECT_EQ(window->layers().canvas()->selection(), QList<int>{1});
  workspace->selection.select({0});
  const QModelIndexList rows = table()->selectionModel()->selectedRows();
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows.first().data().toString(), QStringLiteral("stem/conv"));
}

TEST_F(ParityWindow, TakesThePlacementThePredictionsInputAndAnotherTolerance) {
  open();
  workspace->document.assign({1}, QStringLiteral("OPENCL-CPU:0"));
  window->runPanel().predictions()->setPictures({QStringLiteral("/nowhere/cat.png")});
  choice("parity_b")->setCurrentIndex(choice("parity_b")->findData(QString()));
  choice("parity_input")->setCurrentIndex(1);
  EXPECT_TRUE(choice("parity_input")->currentText().contains(QStringLiteral("cat.png")));
  choice("parity_tolerance")->setCurrentIndex(1);
  compare();
  const Json asked = engine.last(session::method::kParity);
  EXPECT_EQ(asked.at("b").at("placement").at("nodes").at("stem/relu"), "OPENCL-CPU:0");
  EXPECT_EQ(asked.at("inputs"), Json::array({"/nowhere/cat.png"}));
  EXPECT_EQ(asked.at("rtol"), 1e-5);
  EXPECT_EQ(asked.at("atol"), 1e-7);
}

TEST_F(ParityWindow, ComparesADeviceWithItselfInFloat16) {
  open();
  choice("parity_a")->setCurrentIndex(choice("parity_a")->findData(QStringLiteral("OPENCL-CPU:0")));
  choice("parity_b")->setCurrentIndex(choice("parity_b")->findText(QStringLiteral("OPENCL-CPU:0, float16")));
  compare();
  const Json asked = engine.last(session::method::kParity);
  EXPECT_EQ(asked.at("a"), (Json{{"device", "OPENCL-CPU:0"}}));
  EXPECT_EQ(asked.at("b"), (Json{{"device", "OPENCL-CPU:0"}, {"precision", "float16"}}));
  panel().copyCommand();
  EXPECT_TRUE(QGuiApplication::clipboard()->text().contains(
      QStringLiteral("--against-device OPENCL-CPU:0,OPENCL-CPU:0,precision=float16")));
  // A new list of the same devices keeps the choice.
  workspace->devices.reload();
  EXPECT_TRUE(eventually([&] { return !workspace->devices.isLoading(); }));
  EXPECT_EQ(choice("parity_b")->currentText(), QStringLiteral("OPENCL-CPU:0, float16"));
}

TEST_F(ParityWindow, AFailureIsShownAndTheLastResultStays) {
  open();
  compare();
  engine.handlers[session::method::kParity] = [](const Json&) -> Result<Json> {
    return makeError(ErrorCode::InputRejected, "dimension 2 of the input is not fixed by the model", "x",
                     "give an input of the wanted size");
  };
  compare();
  EXPECT_TRUE(window->messages().isVisible());
  EXPECT_TRUE(window->messages().text().contains(QStringLiteral("not fixed")));
  EXPECT_EQ(table()->model()->rowCount(), 3);
}

TEST_F(ParityWindow, CopiesTheComparisonAsACommandAndExportsItAsCsv) {
  open();
  panel().copyCommand();
  EXPECT_EQ(QGuiApplication::clipboard()->text(),
            QStringLiteral("tandem verify --against-device CPU:0,OPENCL-CPU:0 /models/small.onnx"));
  compare();
  const QString path = folder.filePath(QStringLiteral("parity.csv"));
  ASSERT_TRUE(panel().exportCsv(path).ok());
  QFile file(path);
  ASSERT_TRUE(file.open(QIODevice::ReadOnly));
  const QStringList lines = QString::fromUtf8(file.readAll()).trimmed().split(QLatin1Char('\n'));
  ASSERT_EQ(lines.size(), 4);
  EXPECT_TRUE(lines[0].startsWith(QStringLiteral("layer,operator,device_a")));
  EXPECT_TRUE(lines[1].startsWith(QStringLiteral("stem/relu,Relu,CPU:0,OPENCL-CPU:0,onednn,opencl,40,0.4")));
  EXPECT_EQ(lines[1].count(QLatin1Char(',')), lines[0].count(QLatin1Char(',')));
  EXPECT_FALSE(panel().exportCsv(QStringLiteral("/nowhere/parity.csv")).ok());
}

TEST(ErrorBar, IsLogarithmicWithTheToleranceAtTwoThirds) {
  EXPECT_EQ(errorFraction(0), 0);
  EXPECT_DOUBLE_EQ(errorFraction(1), 2.0 / 3.0);
  EXPECT_EQ(errorFraction(1e9), 1);
  EXPECT_EQ(errorFraction(INFINITY), 1);
  EXPECT_EQ(errorFraction(NAN), 0);
  EXPECT_LT(errorFraction(1e-3), errorFraction(1e-2));
}

} // namespace
} // namespace tandem::ui::test
