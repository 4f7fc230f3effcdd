// SPDX-License-Identifier: GPL-3.0-or-later
// Core sets in the Devices panel, on a fake engine with a processor of four cores and two threads each.
#include "tests/ui/window_fixture.hpp"
#include "ui/widgets/cpu_map/cpu_map.hpp"

#include <QAbstractButton>
#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSpinBox>
#include <QToolButton>

namespace tandem::ui::test {
namespace {

/// Siblings are n and n + 4; processor 7 is not available.
Json topology() {
  Json json{{"processors", Json::array()}, {"l3_bytes", 32 << 20}};
  for (int i = 0; i < 8; ++i)
    json["processors"].push_back({{"os_index", i},
                                  {"core", i % 4},
                                  {"smt", i / 4},
                                  {"package", 0},
                                  {"numa", 0},
                                  {"l3", i % 4 / 2},
                                  {"available", i != 7}});
  return json;
}

class CoreSets : public Window {
 protected:
  CoreSets() {
    const auto answer = [](const Json&) -> Result<Json> {
      Json list = twoDevices();
      list["topology"] = topology();
      return list;
    };
    engine.handlers[session::method::kDevices] = answer;
    engine.handlers[session::method::kConfigure] = answer;
    workspace->devices.reload();
    EXPECT_TRUE(eventually([&] { return !workspace->devices.isLoading() && map()->model().processors.size() == 8; }));
  }
  template <class Widget> Widget* find(const char* name) const {
    auto* found = window->findChild<Widget*>(QString::fromLatin1(name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  CpuMap* map() const { return find<CpuMap>("cpu_map"); }
  QString text() const { return find<QLineEdit>("core_sets")->text(); }
  QString status() const {
    const auto* label = find<QLabel>("core_sets_status");
    return label->isHidden() ? QString() : label->text();
  }
  void answered() {
    EXPECT_TRUE(eventually([&] { return workspace->isIdle() && !workspace->devices.isLoading(); }));
  }
  QAbstractButton* apply() const { return find<QAbstractButton>("apply_cores"); }
  void preset(const char* name) const {
    const auto* button = find<QToolButton>("core_set_presets");
    for (QAction* action : button->menu()->actions())
      if (action->objectName() == QStringLiteral("divide_") + QString::fromLatin1(name)) return action->trigger();
    ADD_FAILURE() << "no preset " << name;
  }
  QList<int> owners() const {
    QList<int> list;
    for (const CpuMapProcessor& processor : map()->model().processors) list << processor.owner;
    return list;
  }
};

TEST_F(CoreSets, TheMapShowsTheSetsInUse) {
  EXPECT_EQ(owners(), (QList<int>{0, 0, 0, 0, 0, 0, 0, -1}));
  EXPECT_FALSE(map()->model().processors[7].available);
  EXPECT_FALSE(apply()->isEnabled());
  EXPECT_EQ(find<QSpinBox>("core_set_count")->maximum(), 4);
  EXPECT_TRUE(status().isEmpty());
}

TEST_F(CoreSets, APresetIsDrawnAtOnceAndAskedForByName) {
  preset("halves");
  EXPECT_EQ(text(), QStringLiteral("halves"));
  // Core 3 has one thread, so it has no equal; of the others, core 1 stays idle and the halves share no cache.
  EXPECT_EQ(owners(), (QList<int>{0, -1, 1, -1, 0, -1, 1, -1}));
  EXPECT_TRUE(status().startsWith(QStringLiteral("Not in use yet.")));
  EXPECT_EQ(engine.count(session::method::kConfigure), 0);
  apply()->click();
  answered();
  EXPECT_EQ(engine.last(session::method::kConfigure).at("cores"), "halves");
  EXPECT_FALSE(apply()->isEnabled());
  EXPECT_TRUE(status().isEmpty());
}

TEST_F(CoreSets, AClickOnTheMapMovesAProcessorToTheChosenSet) {
  find<QLineEdit>("core_sets")->setText(QStringLiteral("0,4;1,5"));
  emit find<QLineEdit>("core_sets")->textEdited(QStringLiteral("0,4;1,5"));
  EXPECT_EQ(owners(), (QList<int>{0, 1, -1, -1, 0, 1, -1, -1}));
  find<QComboBox>("core_set_brush")->setCurrentIndex(1);
  QTest::mouseClick(map(), Qt::LeftButton, Qt::NoModifier, map()->rectOf(2).center().toPoint());
  EXPECT_EQ(text(), QStringLiteral("0,4;1-2,5"));
  QTest::mouseClick(map(), Qt::LeftButton, Qt::NoModifier, map()->rectOf(7).center().toPoint()); // not available
  EXPECT_EQ(text(), QStringLiteral("0,4;1-2,5"));
  apply()->click();
  answered();
  EXPECT_EQ(engine.last(session::method::kConfigure).at("cores"), "0,4;1-2,5");
}

TEST_F(CoreSets, ASetWithoutProcessorsIsNotApplied) {
  preset("cores");
  find<QSpinBox>("core_set_count")->setValue(2);
  EXPECT_EQ(text(), QStringLiteral("0,4;2,6"));
  find<QComboBox>("core_set_brush")->setCurrentIndex(1);
  for (int index : {2, 6})
    QTest::mouseClick(map(), Qt::LeftButton, Qt::NoModifier, map()->rectOf(index).center().toPoint());
  EXPECT_TRUE(status().startsWith(QStringLiteral("CPU:1 has no processor")));
  EXPECT_FALSE(apply()->isEnabled());
  find<QAbstractButton>("revert_cores")->click();
  EXPECT_TRUE(text().isEmpty());
  EXPECT_TRUE(status().isEmpty());
}

TEST_F(CoreSets, SiblingsInTwoSetsAreWarnedOf) {
  auto* edit = find<QLineEdit>("core_sets");
  edit->setText(QStringLiteral("0-3;4-6"));
  emit edit->textEdited(edit->text());
  apply()->click();
  answered();
  EXPECT_EQ(status(),
            QStringLiteral("CPU:0 and CPU:1 share cores 0-2 (SMT siblings 0 and 4, 1 and 5, 2 and 6) and slow "
                           "each other."));
}

TEST_F(CoreSets, CopiesOnSiblingsAreWarnedOfAndSeparatedByCores) {
  engine.handlers[session::method::kDevices] = [](const Json&) -> Result<Json> {
    Json list = twoDevices();
    list["topology"] = topology();
    list["devices"][0]["cores"] = "0-2";
    list["devices"][1]["cores"] = "4-6";
    return list;
  };
  open();
  workspace->devices.reload();
  answered();
  EXPECT_EQ(find<QLabel>("shared_cores_text")->text(),
            QStringLiteral("CPU:0 and OPENCL-CPU:0 share cores 0-2 (SMT siblings 0 and 4, 1 and 5, 2 and 6) and will "
                           "slow each other down."));
  find<QAbstractButton>("separate_cores")->click();
  EXPECT_EQ(engine.last(session::method::kConfigure).at("cores"), "0,4;2,6");
}

TEST_F(CoreSets, TextThatIsNoSetSaysWhatIsWrongAndWhatThereIs) {
  auto* edit = find<QLineEdit>("core_sets");
  edit->setText(QStringLiteral("quarters"));
  emit edit->textEdited(edit->text());
  EXPECT_EQ(status(), QStringLiteral("Cannot read the core set 'quarters'"));
  EXPECT_TRUE(find<QLabel>("core_sets_status")->toolTip().contains(QStringLiteral("cores (")));
  EXPECT_FALSE(apply()->isEnabled());
  QTest::keyClick(edit, Qt::Key_Return);
  EXPECT_EQ(engine.count(session::method::kConfigure), 0);
}

TEST_F(CoreSets, ARunKeepsItsSetsAndTheDraftWaits) {
  open();
  preset("halves");
  window->action(QStringLiteral("run"))->trigger();
  ASSERT_TRUE(eventually([&] { return workspace->runs.isActive(); }));
  EXPECT_TRUE(map()->isReadOnly());
  EXPECT_FALSE(apply()->isEnabled());
  EXPECT_TRUE(status().contains(QStringLiteral("can be changed when it ends")));
  engine.finishRun(reportJson(false));
  ASSERT_TRUE(eventually([&] { return !workspace->runs.isActive(); }));
  EXPECT_FALSE(map()->isReadOnly());
  EXPECT_EQ(text(), QStringLiteral("halves"));
  EXPECT_TRUE(apply()->isEnabled());
}

TEST_F(CoreSets, WithoutATopologyTheTextStillWorks) {
  const auto plain = [](const Json&) -> Result<Json> { return twoDevices(); };
  engine.handlers[session::method::kDevices] = plain;
  engine.handlers[session::method::kConfigure] = plain;
  workspace->devices.reload();
  answered();
  EXPECT_TRUE(map()->isHidden() || !map()->isVisible());
  auto* edit = find<QLineEdit>("core_sets");
  edit->setText(QStringLiteral("0;1"));
  emit edit->textEdited(edit->text());
  QTest::keyClick(edit, Qt::Key_Return);
  answered();
  EXPECT_EQ(engine.last(session::method::kConfigure).at("cores"), "0;1");
}

} // namespace
} // namespace tandem::ui::test
