// SPDX-License-Identifier: GPL-3.0-or-later
// One application for all tests of the program; a warning from Qt fails the test in which it appears.
#include "ui/core/theme.hpp"

#include <QApplication>
#include <QFont>
#include <QLocale>
#include <QStyleFactory>
#include <QtGlobal>

#include <gtest/gtest.h>

namespace {

void onQtMessage(QtMsgType type, const QMessageLogContext&, const QString& message) {
  if (type == QtDebugMsg || type == QtInfoMsg) return;
  // The offscreen platform says this of every top-level window: size hints, and of popups raising and grabbing.
  if (message.startsWith(QLatin1String("This plugin does not support"))) return;
  // A container without a session has no runtime directory; Qt makes one.
  if (message.contains(QLatin1String("XDG_RUNTIME_DIR"))) return;
  ADD_FAILURE() << "Qt says: " << message.toStdString();
}

} // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (::testing::FLAGS_gtest_list_tests) return RUN_ALL_TESTS(); // needs no display
  qInstallMessageHandler(onQtMessage);
  QApplication app(argc, argv);
  QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
  QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
  QApplication::setFont(QFont(QStringLiteral("DejaVu Sans"), 10));
  QApplication::setPalette(tandem::ui::lightPalette());
  return RUN_ALL_TESTS();
}
