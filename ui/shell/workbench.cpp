// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/shell/workbench.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/plurals.hpp"
#include "ui/shell/control_socket.hpp"
#include "ui/shell/main_window.hpp"

#include <QApplication>
#include <QCommandLineParser>
#include <QFont>
#include <QIcon>
#include <QProxyStyle>
#include <QStyleFactory>
#include <QTimer>

#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace tandem::ui {
namespace {

/// Fusion without animations, for tests.
class StillStyle : public QProxyStyle {
 public:
  StillStyle() : QProxyStyle(QStyleFactory::create(QStringLiteral("Fusion"))) {}
  int styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                QStyleHintReturn* data) const override {
    if (hint == SH_Widget_Animation_Duration || hint == SH_Widget_Animate) return 0;
    return QProxyStyle::styleHint(hint, option, widget, data);
  }
};

// Qt aborts when no display can be opened; people get one line that says what to do instead.
void onStartMessage(QtMsgType type, const QMessageLogContext&, const QString& text) {
  if (type == QtFatalMsg) {
    std::fputs("tandem-workbench: no display could be opened: set DISPLAY, or use `tandem run` on the terminal\n",
               stderr);
    std::fflush(stderr);
    ::_exit(2);
  }
  if (text.contains(QLatin1String("qt.qpa"))) return;
  if (type == QtDebugMsg || type == QtInfoMsg) return;
  if (text.contains(QLatin1String("could not connect to display")) ||
      text.contains(QLatin1String("Qt platform plugin")))
    return;
  std::fprintf(stderr, "%s\n", qUtf8Printable(text));
}

bool hasFlag(int argc, char** argv, const char* flag) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], flag) == 0) return true;
  }
  return false;
}

void setTestMode(QApplication& app) {
  QApplication::setStyle(new StillStyle);
  app.setFont(QFont(QStringLiteral("DejaVu Sans"), 10));
  app.setCursorFlashTime(0);
  QApplication::setEffectEnabled(Qt::UI_AnimateMenu, false);
  QApplication::setEffectEnabled(Qt::UI_AnimateCombo, false);
  QApplication::setEffectEnabled(Qt::UI_AnimateTooltip, false);
}

SessionFactory workerFactory(const QString& program) {
  return [program](std::function<void(const session::WorkerEnd&)> ended) -> Result<std::unique_ptr<session::Session>> {
    session::WorkerOptions options;
    options.program = program.toStdString();
    options.ended = std::move(ended);
    auto started = session::WorkerSession::start(std::move(options));
    if (!started.ok()) return started.error();
    return std::unique_ptr<session::Session>(std::move(started).value());
  };
}

} // namespace

int runWorkbench(int argc, char** argv) {
  const bool testMode = hasFlag(argc, argv, "--test-mode");
  if (testMode) QCoreApplication::setAttribute(Qt::AA_DontUseNativeDialogs);
  const QtMessageHandler before = qInstallMessageHandler(onStartMessage);
  QApplication app(argc, argv);
  qInstallMessageHandler(before);
  EnglishPlurals plurals;
  QCoreApplication::installTranslator(&plurals);
  QCoreApplication::setApplicationName(QStringLiteral("tandem-workbench"));
  QCoreApplication::setApplicationVersion(QStringLiteral(TANDEM_VERSION));
  QGuiApplication::setApplicationDisplayName(QString());
  QGuiApplication::setDesktopFileName(QStringLiteral("tandem-workbench"));
  QGuiApplication::setWindowIcon(applicationIcon());

  QCommandLineParser parser;
  parser.setApplicationDescription(QCoreApplication::translate(
      "tandem::ui", "Place the layers of a neural network on CPU and GPU, run both, and measure."));
  parser.addHelpOption();
  parser.addVersionOption();
  parser.addPositionalArgument(QStringLiteral("model"), QStringLiteral("A model (.onnx, .h5, .keras) or sample:NAME."),
                               QStringLiteral("[model]"));
  parser.addOption(
      {QStringLiteral("placement"), QStringLiteral("Open this placement with the model."), QStringLiteral("file")});
  parser.addOption(
      {QStringLiteral("cores"), QStringLiteral("Core sets, e.g. \"0;1\" or halves."), QStringLiteral("sets")});
  parser.addOption(
      {QStringLiteral("worker"), QStringLiteral("The tandem-worker program to use."), QStringLiteral("path")});
  parser.addOption({QStringLiteral("test-mode"), QStringLiteral("Fixed look, no animations, own file dialogs.")});
  parser.addOption(
      {QStringLiteral("control-socket"), QStringLiteral("Listen here for test commands."), QStringLiteral("name")});
  parser.process(app);
  if (testMode)
    setTestMode(app);
  else
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));

  WorkspaceOptions options;
  options.session = workerFactory(parser.value(QStringLiteral("worker")));
  if (parser.isSet(QStringLiteral("cores"))) options.cores = parser.value(QStringLiteral("cores"));
  Workspace workspace(options);
  MainWindow window(workspace);
  ControlSocket control(window);
  if (parser.isSet(QStringLiteral("control-socket")) &&
      !control.listen(parser.value(QStringLiteral("control-socket")))) {
    std::fprintf(stderr, "tandem-workbench: cannot listen on the control socket %s: choose another name\n",
                 qUtf8Printable(parser.value(QStringLiteral("control-socket"))));
    return 2;
  }
  window.show();
  workspace.engine.start();
  const QStringList models = parser.positionalArguments();
  if (!models.isEmpty()) window.openModel(models.first(), parser.value(QStringLiteral("placement")));
  return QApplication::exec();
}

} // namespace tandem::ui
