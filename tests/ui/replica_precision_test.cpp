// SPDX-License-Identifier: GPL-3.0-or-later
// The choice of a replica's precision: where there is one, what is asked of the engine, what is copied.
#include "tests/ui/window_fixture.hpp"

#include <QAction>
#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>

#include <cmath>

namespace tandem::ui::test {
namespace {

class PrecisionChoice : public Window {
 protected:
  QComboBox* box(const char* name) { return window->findChild<QComboBox*>(QLatin1String(name)); }
  static void choose(QComboBox* box, int index) {
    box->setCurrentIndex(index);
    emit box->activated(index);
  }
  Json askedReplicas() {
    window->action(QStringLiteral("run"))->trigger();
    return engine.last(session::method::kRun).at("replicas");
  }
};

TEST_F(PrecisionChoice, IsThereForDevicesThatHaveItAndGoesIntoTheRun) {
  open();
  QComboBox* native = box("replica_precision_0");
  QComboBox* opencl = box("replica_precision_1");
  ASSERT_TRUE(native && opencl);
  EXPECT_FALSE(native->isEnabled());
  EXPECT_TRUE(native->toolTip().contains(QStringLiteral("float16 is for OpenCL devices")));
  EXPECT_TRUE(opencl->isEnabled());
  EXPECT_EQ(opencl->currentData().toString(), QStringLiteral("model"));
  choose(opencl, opencl->findData(QStringLiteral("float16")));
  EXPECT_EQ(box("deployment_preset")->currentText(), QStringLiteral("Custom"));
  window->action(QStringLiteral("copy_command"))->trigger();
  EXPECT_TRUE(QGuiApplication::clipboard()->text().contains(
      QStringLiteral("--replica CPU:0 --replica OPENCL-CPU:0,precision=float16")))
      << QGuiApplication::clipboard()->text().toStdString();
  const Json replicas = askedReplicas();
  EXPECT_EQ(replicas[0].at("precision"), "model");
  EXPECT_EQ(replicas[1].at("precision"), "float16");
}

TEST_F(PrecisionChoice, FollowsTheDeviceOfTheCard) {
  open();
  QComboBox* device = box("replica_device_1");
  QComboBox* precision = box("replica_precision_1");
  ASSERT_TRUE(device && precision);
  choose(precision, precision->findData(QStringLiteral("float16")));
  choose(device, device->findData(QStringLiteral("CPU:0")));
  EXPECT_FALSE(precision->isEnabled());
  choose(device, device->findData(QString())); // the current placement may use both
  EXPECT_TRUE(precision->isEnabled());
  choose(device, device->findData(QStringLiteral("CPU:0")));
  EXPECT_EQ(askedReplicas()[1].at("precision"), "model") << "what the device does not have is not asked for";
}

TEST_F(PrecisionChoice, TheReportShowsItWithItsError) {
  open();
  window->action(QStringLiteral("run"))->trigger();
  Json report = reportJson(false);
  report["replicas"][1]["precision"] = "float16";
  report["replicas"][1]["summary"] = "3 nodes: 3 OPENCL-CPU:0";
  report["replicas"][1]["precision_error"] = {{"max_abs", 3e-4}, {"max_rel", nullptr}, {"output", "y"}};
  engine.finishRun(report);
  ASSERT_TRUE(eventually([&] { return !workspace->runs.isActive(); }));
  const auto& shown = workspace->runs.report();
  ASSERT_TRUE(shown.has_value());
  EXPECT_EQ(shown->replicas[0].precision, "model");
  EXPECT_EQ(shown->replicas[1].precision, "float16");
  EXPECT_EQ(shown->replicas[1].maxAbsError, 3e-4);
  EXPECT_TRUE(std::isinf(shown->replicas[1].maxRelError.value_or(0)));
}

} // namespace
} // namespace tandem::ui::test
