// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/shell/control_socket.hpp"

#include "ui/core/labels.hpp"
#include "ui/panels/charts/charts_panel.hpp"
#include "ui/panels/compare/compare_panel.hpp"
#include "ui/panels/layers/layers_panel.hpp"
#include "ui/panels/parity/parity_panel.hpp"
#include "ui/panels/roofline/roofline_panel.hpp"
#include "ui/panels/run/predict_view.hpp"
#include "ui/panels/run/run_panel.hpp"
#include "ui/panels/timeline/timeline_panel.hpp"
#include "ui/shell/main_window.hpp"
#include "ui/shell/tune_dialog.hpp"
#include "ui/widgets/chart/roofline_chart.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QAbstractButton>
#include <QApplication>
#include <QClipboard>
#include <QJsonArray>
#include <QJsonDocument>
#include <QLocalSocket>
#include <QMenu>
#include <QMenuBar>
#include <QPixmap>
#include <QRegularExpression>
#include <QScreen>

namespace tandem::ui {
namespace {

constexpr int kPollMs = 20;
constexpr qint64 kMaxLine = 1 << 16;

QJsonObject failure(const QString& text) { return {{"ok", false}, {"error", text}}; }

QString stateName(RunController::State state) {
  switch (state) {
  case RunController::State::Idle: return QStringLiteral("idle");
  case RunController::State::Starting: return QStringLiteral("starting");
  case RunController::State::Running: return QStringLiteral("running");
  case RunController::State::Stopping: return QStringLiteral("stopping");
  }
  return {};
}

QJsonObject latencyJson(const session::Latency& latency) {
  return {{"p50", latency.p50Ms},
          {"p95", latency.p95Ms},
          {"p99", latency.p99Ms},
          {"count", static_cast<double>(latency.count)}};
}

QJsonObject reportJson(const session::Report& report) {
  QJsonArray replicas;
  for (const auto& replica : report.replicas)
    replicas.append(QJsonObject{{"name", toQString(replica.name)},
                                {"devices", toQString(replica.devices)},
                                {"requests", static_cast<double>(replica.requests)},
                                {"latency_ms", latencyJson(replica.latency)}});
  return {{"requests", static_cast<double>(report.requests)},
          {"failed", static_cast<double>(report.failed)},
          {"items_per_s", report.itemsPerS},
          {"stopped", report.stopped},
          {"duration_s", report.durationS},
          {"latency_ms", latencyJson(report.latency)},
          {"replicas", replicas}};
}

QJsonObject parityJson(const ParityPanel& panel) {
  if (!panel.hasResult()) return {};
  const session::Parity& parity = panel.model().parity();
  QJsonArray layers;
  for (const auto& layer : parity.layers)
    layers.append(QJsonObject{{"name", toQString(layer.name)},
                              {"device_a", toQString(layer.deviceA)},
                              {"device_b", toQString(layer.deviceB)},
                              {"local_worst", layer.local.worst},
                              {"max_abs", layer.accumulated.maxAbs}});
  return {{"passed", parity.passed},          {"compared", parity.compared},    {"over", parity.over},
          {"input", toQString(parity.input)}, {"summary", panel.summaryText()}, {"layers", layers}};
}

QJsonObject comparisonJson(const ComparePanel& panel) {
  QJsonArray figures;
  for (const auto& figure : panel.model().comparison().figures)
    figures.append(QJsonObject{{"name", toQString(figure.name)},
                               {"ratio", figure.ratio},
                               {"outcome", toQString(std::string(session::toString(figure.outcome)))}});
  return {{"summary", panel.summaryText()}, {"figures", figures}};
}

QJsonObject rooflineJson(const RooflinePanel& panel) {
  if (!panel.hasResult()) return {};
  QJsonArray layers;
  for (int row = 0; row < panel.model().rowCount(); ++row) {
    const session::LayerTime& layer = panel.model().layer(row);
    QJsonObject each{{"name", panel.model().name(row)},
                     {"device", toQString(layer.device)},
                     {"nodes", static_cast<int>(layer.nodes.size())},
                     {"roof", toQString(layer.roof)}};
    if (layer.roofFraction) each["roof_fraction"] = *layer.roofFraction;
    const QPointF dot = panel.chart()->positionOf(row);
    if (!dot.isNull()) {
      const QPoint place = panel.chart()->mapToGlobal(dot.toPoint());
      each["x"] = place.x();
      each["y"] = place.y();
    }
    layers.append(each);
  }
  return {{"summary", panel.summaryText()}, {"chart", panel.chart()->summary()}, {"layers", layers}};
}

QJsonObject pointJson(QPoint point) { return {{"ok", true}, {"x", point.x()}, {"y", point.y()}}; }

} // namespace

ControlSocket::ControlSocket(MainWindow& window, QObject* parent) : QObject(parent), m_window(window) {
  m_timer.setInterval(kPollMs);
  connect(&m_timer, &QTimer::timeout, this, &ControlSocket::checkWaiting);
  connect(&m_server, &QLocalServer::newConnection, this, [this] {
    while (QLocalSocket* socket = m_server.nextPendingConnection()) {
      connect(socket, &QLocalSocket::readyRead, this, [this, socket] { read(socket); });
      connect(socket, &QLocalSocket::disconnected, socket, &QObject::deleteLater);
    }
  });
}

bool ControlSocket::listen(const QString& name) {
  m_server.setSocketOptions(QLocalServer::UserAccessOption);
  return m_server.listen(name);
}

void ControlSocket::read(QLocalSocket* socket) {
  while (socket->canReadLine()) handle(socket, QString::fromUtf8(socket->readLine(kMaxLine)).trimmed());
  if (socket->bytesAvailable() > kMaxLine) socket->abort();
}

void ControlSocket::handle(QLocalSocket* socket, const QString& line) {
  const QString command = line.section(QLatin1Char(' '), 0, 0), argument = line.section(QLatin1Char(' '), 1);
  if (command == QLatin1String("wait")) {
    m_waiting.append({socket, argument});
    m_timer.start();
    checkWaiting();
    return;
  }
  socket->write(QJsonDocument(answer(command, argument)).toJson(QJsonDocument::Compact) + '\n');
  socket->flush();
}

void ControlSocket::checkWaiting() {
  for (qsizetype i = m_waiting.size() - 1; i >= 0; --i) {
    const Waiting waiting = m_waiting[i];
    if (waiting.socket && !isReached(waiting.condition)) continue;
    m_waiting.removeAt(i);
    if (!waiting.socket) continue;
    waiting.socket->write("{\"ok\":true}\n");
    waiting.socket->flush();
  }
  if (m_waiting.isEmpty()) m_timer.stop();
}

bool ControlSocket::isReached(const QString& condition) const {
  Workspace& space = m_window.workspace();
  const bool open =
      space.document.isOpen() && !space.document.isOpening() && m_window.layers().canvas()->isLayoutDone();
  if (condition == QLatin1String("document")) return open;
  if (condition == QLatin1String("effective"))
    return open && space.document.isEffectiveCurrent() && !space.document.view().effective.empty();
  if (condition == QLatin1String("worker")) return space.engine.isReady() && space.engine.workerPid() > 0;
  if (condition == QLatin1String("running")) return space.runs.state() == RunController::State::Running;
  if (condition == QLatin1String("run-done")) return space.runs.hasRun() && !space.runs.isActive();
  if (condition == QLatin1String("error"))
    return m_window.messages().isVisible() && m_window.messages().kind() == MessageKind::Error;
  if (condition == QLatin1String("prediction")) return !m_window.runPanel().predictions()->predictions().empty();
  if (condition == QLatin1String("compared"))
    return m_window.parityPanel().hasResult() && !m_window.parityPanel().isBusy();
  if (condition == QLatin1String("measured"))
    return m_window.rooflinePanel().hasResult() && !space.document.isMeasuring();
  if (condition == QLatin1String("idle"))
    return space.isIdle() && !space.runs.isActive() &&
           (!space.document.isOpen() || m_window.layers().canvas()->isLayoutDone());
  return true; // an unknown condition must not hang a test; its next check will tell
}

QJsonObject ControlSocket::answer(const QString& command, const QString& argument) {
  if (command == QLatin1String("ready")) return {{"ok", m_window.isVisible()}};
  if (command == QLatin1String("state")) return state();
  if (command == QLatin1String("nodepos")) return nodePosition(argument);
  if (command == QLatin1String("widgetpos")) return widgetPosition(argument);
  if (command == QLatin1String("chart")) {
    const QString text = m_window.charts().summary(argument);
    return text.isEmpty() ? failure(QStringLiteral("no chart of that name, or no data"))
                          : QJsonObject{{"ok", true}, {"text", text}};
  }
  if (command == QLatin1String("select")) {
    QList<int> nodes;
    for (const QString& name : argument.split(QRegularExpression(QStringLiteral("\\s+")), Qt::SkipEmptyParts)) {
      const int node = findNode(name);
      if (node < 0) return failure(QStringLiteral("no node ") + name);
      nodes << node;
    }
    m_window.workspace().selection.select(nodes);
    return {{"ok", true}};
  }
  if (command == QLatin1String("screenshot")) {
    // On a real display with its frames, menus and dialogs; elsewhere the window alone.
    QPixmap picture;
    if (QGuiApplication::platformName() == QLatin1String("xcb")) picture = m_window.screen()->grabWindow(0);
    if (picture.isNull()) picture = m_window.grab();
    return picture.save(argument) ? QJsonObject{{"ok", true}} : failure(QStringLiteral("cannot write ") + argument);
  }
  return failure(QStringLiteral("unknown command ") + command);
}

int ControlSocket::findNode(const QString& name) const {
  const auto& nodes = m_window.workspace().document.document().nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (toQString(nodes[i].name) == name) return static_cast<int>(i);
  }
  return -1;
}

QJsonObject ControlSocket::nodePosition(const QString& name) const {
  const int node = findNode(name);
  if (node < 0) return failure(QStringLiteral("no node ") + name);
  const GraphCanvas* canvas = m_window.layers().canvas();
  const QPoint position = canvas->viewPosOf(node);
  QJsonObject json = pointJson(canvas->viewport()->mapToGlobal(position));
  json["inside"] = canvas->viewport()->rect().contains(position);
  return json;
}

QJsonObject ControlSocket::widgetPosition(const QString& name) const {
  for (QWidget* window : QApplication::topLevelWidgets()) {
    QWidget* found = window->objectName() == name ? window : window->findChild<QWidget*>(name);
    if (found == nullptr || !found->isVisible()) continue;
    QJsonObject json = pointJson(found->mapToGlobal(found->rect().center()));
    json["enabled"] = found->isEnabled();
    json["active"] = found->isActiveWindow();
    return json;
  }
  if (const QAction* action = m_window.action(name)) {
    for (QObject* object : action->associatedObjects()) {
      const auto* widget = qobject_cast<QWidget*>(object);
      if (widget == nullptr || !widget->isVisible()) continue;
      const auto* menu = qobject_cast<const QMenu*>(widget);
      const QRect area = menu != nullptr ? menu->actionGeometry(const_cast<QAction*>(action)) : widget->rect();
      return pointJson(widget->mapToGlobal(area.center()));
    }
  }
  return failure(QStringLiteral("no visible widget ") + name);
}

QJsonObject ControlSocket::state() const {
  Workspace& space = m_window.workspace();
  const DocumentModel& document = space.document;
  QJsonObject json{{"ok", true}, {"worker_pid", space.engine.workerPid()}, {"engine_ready", space.engine.isReady()}};
  if (document.isOpen()) {
    QJsonArray unknown;
    for (const auto& name : document.document().unsupportedOperators) unknown.append(toQString(name));
    json["document"] = QJsonObject{{"source", document.source()},
                                   {"nodes", document.nodeCount()},
                                   {"can_run", document.canRun()},
                                   {"modified", document.isModified()},
                                   {"placement_file", document.placementFile()},
                                   {"unsupported", unknown}};
    json["summary"] = m_window.summaryText();
    QJsonObject requested, effective;
    QJsonArray names;
    for (int node = 0; node < document.nodeCount(); ++node) {
      const QString name = toQString(document.document().nodes[static_cast<std::size_t>(node)].name);
      names.append(name);
      requested[name] = document.requestedOf(node);
      effective[name] = document.effectiveOf(node);
    }
    json["node_names"] = names;
    QJsonArray shapes;
    for (const int input : document.document().inputs) {
      QJsonArray shape;
      for (const auto size : document.document().values[static_cast<std::size_t>(input)].shape)
        shape.append(static_cast<double>(size));
      shapes.append(shape);
    }
    json["input_shapes"] = shapes;
    json["requested"] = requested;
    json["effective"] = effective;
    json["transfers"] = static_cast<double>(document.view().transfers.size());
  }
  QJsonArray selection, devices;
  for (const int node : space.selection.nodes())
    selection.append(toQString(document.document().nodes[static_cast<std::size_t>(node)].name));
  for (const QString& id : space.devices.visibleIds()) devices.append(id);
  json["selection"] = selection;
  json["devices"] = devices;
  json["undo"] = space.document.undoStack()->undoText();
  QJsonObject run{
      {"state", stateName(space.runs.state())}, {"number", space.runs.runNumber()}, {"phase", space.runs.phaseText()}};
  if (space.runs.report()) run["report"] = reportJson(*space.runs.report());
  json["run"] = run;
  const MessageBar& messages = m_window.messages();
  json["message"] = messages.isVisible() ? messages.text() : QString();
  json["error"] = messages.isVisible() && messages.kind() == MessageKind::Error ? messages.text() : QString();
  json["log_lines"] = space.log.rowCount();
  QJsonArray predictions;
  for (const auto& prediction : m_window.runPanel().predictions()->predictions()) {
    QJsonObject each{{"input", toQString(prediction.input)},
                     {"boxes", static_cast<int>(prediction.boxes.size())},
                     {"rows", static_cast<double>(prediction.rowCount)}};
    if (!prediction.top.empty()) {
      each["top_index"] = prediction.top.front().index;
      each["top_label"] = toQString(prediction.top.front().label);
    }
    predictions.append(each);
  }
  json["predictions"] = predictions;
  json["parity"] = parityJson(m_window.parityPanel());
  json["timeline"] =
      QJsonObject{{"loaded", m_window.timelinePanel().hasTrace() && !m_window.timelinePanel().isLoading()},
                  {"text", m_window.timelinePanel().summaryText()}};
  json["perspective"] = m_window.perspective();
  json["comparison"] = comparisonJson(m_window.comparePanel());
  json["roofline"] = rooflineJson(m_window.rooflinePanel());
  if (const auto* tuning = m_window.findChild<TuneDialog*>())
    json["tuning"] = QJsonObject{{"busy", tuning->isBusy()}, {"text", tuning->text()}, {"kernels", tuning->rowCount()}};
  json["clipboard"] = QGuiApplication::clipboard()->text();
  return json;
}

} // namespace tandem::ui
