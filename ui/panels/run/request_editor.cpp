// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/request_editor.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/panels/run/request_choices.hpp"
#include "ui/widgets/common/common.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRegularExpressionValidator>
#include <QSet>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr int kMostQueue = 1'000'000;

QLabel* explanation(QWidget* parent) {
  auto* label = new QLabel(parent);
  label->setWordWrap(true);
  label->setForegroundRole(QPalette::PlaceholderText);
  return label;
}

template <class Widget> Widget* named(Widget* widget, const char* name, const QString& accessible) {
  widget->setObjectName(QLatin1String(name));
  widget->setAccessibleName(accessible);
  return widget;
}

void setBuddy(QFormLayout* form, QLayout* row, QWidget* buddy) {
  if (auto* label = qobject_cast<QLabel*>(form->labelForField(row))) label->setBuddy(buddy);
}

std::string decimal(double value) { return QString::number(value, 'g', 10).toStdString(); }

} // namespace

RequestEditor::RequestEditor(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  auto* form = new QFormLayout;
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  form->setRowWrapPolicy(QFormLayout::WrapLongRows);
  makeScenario(form);
  makeRoute(form);
  makeMeasurement(form);
  column->addLayout(form);
  auto* more = new CollapsibleSection(tr("More"), this);
  more->setObjectName(QStringLiteral("more_requests"));
  more->setContent(makeMore());
  more->setExpanded(false);
  column->addWidget(more);
  m_fixed << m_scenario << m_scenarioValue << m_fileRow << m_batches << m_duration << m_warmup << m_mode << m_timeline
          << m_bulk << m_alone << m_queueLimit << m_startOnCpu << m_livePlacement;
  m_lastScenario = scenarioKey();
  updateExplanations();
}

void RequestEditor::makeScenario(QFormLayout* form) {
  m_scenario = named(new QComboBox(this), "scenario", tr("Scenario"));
  for (const ScenarioChoice& choice : scenarioChoices()) {
    m_scenario->addItem(choice.title, choice.key);
    m_values.insert(choice.key, choice.usual);
  }
  m_scenario->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_scenario->setMinimumContentsLength(10);
  m_scenarioValue = named(new QDoubleSpinBox(this), "scenario_value", tr("Scenario value"));
  m_scenarioValue->setRange(1, 1e6);
  m_scenarioValue->setDecimals(0);
  m_scenarioValue->setValue(m_values.value(scenarioKey()));
  auto* row = new QHBoxLayout;
  row->addWidget(m_scenario, 1);
  row->addWidget(m_scenarioValue);
  form->addRow(tr("&Scenario"), row);
  setBuddy(form, row, m_scenario);
  m_fileRow = new QWidget(this);
  auto* fileRow = new QHBoxLayout(m_fileRow);
  fileRow->setContentsMargins(0, 0, 0, 0);
  m_file = named(new QLineEdit(m_fileRow), "replay_file", tr("File with arrival times"));
  m_file->setPlaceholderText(tr("File with arrival times"));
  m_file->setToolTip(tr("One time in seconds per line, or the first column of a CSV file; # begins a comment"));
  auto* choose = toolButton(icon(QStringLiteral("open")), tr("Choose a file with arrival times"),
                            QStringLiteral("choose_replay_file"), m_fileRow);
  fileRow->addWidget(m_file, 1);
  fileRow->addWidget(choose);
  form->addRow(m_fileRow);
  m_scenarioText = explanation(this);
  m_scenarioText->setObjectName(QStringLiteral("scenario_text"));
  form->addRow(m_scenarioText);
  connect(m_scenario, &QComboBox::activated, this, &RequestEditor::scenarioChosen);
  connect(m_scenarioValue, &QDoubleSpinBox::valueChanged, this, &RequestEditor::changed);
  connect(m_file, &QLineEdit::textChanged, this, &RequestEditor::changed);
  connect(choose, &QToolButton::clicked, this, &RequestEditor::chooseFile);
}

void RequestEditor::makeRoute(QFormLayout* form) {
  m_route = named(new QComboBox(this), "route", tr("Routing"));
  for (const RouteChoice& choice : routeChoices()) m_route->addItem(choice.title, choice.key);
  m_route->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_route->setMinimumContentsLength(10);
  m_routeSize = named(new QSpinBox(this), "route_size", tr("Largest request for the first replica"));
  m_routeSize->setRange(0, 4096);
  m_routeSize->setSpecialValueText(tr("auto"));
  m_routeSize->setValue(2);
  m_routeSize->setToolTip(tr("Items; below 1, \"auto\" finds the best size by measuring before the run"));
  m_routeMs = named(new QDoubleSpinBox(this), "route_ms", tr("Latest answer"));
  m_routeMs->setRange(0.1, 60'000);
  m_routeMs->setDecimals(1);
  m_routeMs->setValue(50);
  m_routeMs->setSuffix(tr(" ms"));
  m_routePinned = named(new QComboBox(this), "route_pinned", tr("Replica that gets all requests"));
  auto* row = new QHBoxLayout;
  row->addWidget(m_route, 1);
  row->addWidget(m_routeSize);
  row->addWidget(m_routeMs);
  row->addWidget(m_routePinned);
  form->addRow(tr("R&outing"), row);
  setBuddy(form, row, m_route);
  m_routeText = explanation(this);
  m_routeText->setObjectName(QStringLiteral("route_text"));
  form->addRow(m_routeText);
  m_livePlacement =
      named(new QCheckBox(tr("Mo&ve layers while running"), this), "live_placement", tr("Move layers while running"));
  m_livePlacement->setToolTip(tr(
      "Measures the layers of every replica that is split over devices before the run. While it goes on, layers move "
      "to another of these devices where that is predicted to gain a tenth for three seconds in a row, and back where "
      "it did not pay; the largest request for the first replica follows as well. Each move is in the list of "
      "events."));
  form->addRow(m_livePlacement);
  m_liveRow = new QWidget(this);
  auto* live = new QHBoxLayout(m_liveRow);
  live->setContentsMargins(0, 0, 0, 0);
  m_liveRoute = new QLabel(m_liveRow);
  m_liveRoute->setObjectName(QStringLiteral("live_route"));
  m_liveRoute->setWordWrap(true);
  m_routeNow = new QPushButton(tr("Route so now"), m_liveRow);
  m_routeNow->setObjectName(QStringLiteral("route_now"));
  m_routeNow->setToolTip(tr("The run that goes on routes its requests like this from now on"));
  live->addWidget(m_liveRoute, 1);
  live->addWidget(m_routeNow);
  m_liveRow->hide();
  form->addRow(m_liveRow);
  const auto edited = [this] {
    updateExplanations();
    emit changed();
  };
  connect(m_route, &QComboBox::activated, this, edited);
  connect(m_routePinned, &QComboBox::activated, this, edited);
  connect(m_routeSize, &QSpinBox::valueChanged, this, edited);
  connect(m_routeMs, &QDoubleSpinBox::valueChanged, this, edited);
  connect(m_routeNow, &QPushButton::clicked, this, &RequestEditor::routeNow);
  connect(m_livePlacement, &QCheckBox::toggled, this, edited);
}

void RequestEditor::makeMeasurement(QFormLayout* form) {
  m_batches = named(new QLineEdit(QStringLiteral("1"), this), "batches", tr("Request sizes"));
  m_batches->setValidator(new QRegularExpressionValidator(
      QRegularExpression(QStringLiteral("[1-9][0-9]{0,3}( *, *[1-9][0-9]{0,3}){0,15}")), m_batches));
  m_batches->setToolTip(tr("Items per request; several sizes are mixed evenly: \"1,8\""));
  form->addRow(tr("Re&quest sizes"), m_batches);
  m_duration = named(new QDoubleSpinBox(this), "duration", tr("Duration"));
  m_duration->setRange(0.5, 86400);
  m_duration->setDecimals(1);
  m_duration->setValue(10);
  m_duration->setSuffix(tr(" s"));
  form->addRow(tr("&Duration"), m_duration);
  m_warmup = named(new QDoubleSpinBox(this), "warmup", tr("Warm-up"));
  m_warmup->setRange(0, 3600);
  m_warmup->setDecimals(1);
  m_warmup->setValue(1);
  m_warmup->setSuffix(tr(" s"));
  m_warmup->setToolTip(tr("Runs before the measurement and is not counted"));
  form->addRow(tr("&Warm-up"), m_warmup);
  m_mode = named(new QComboBox(this), "mode", tr("Execution"));
  m_mode->addItem(tr("Compiled (fused, planned)"), QStringLiteral("compiled"));
  m_mode->addItem(tr("Eager (layer by layer)"), QStringLiteral("eager"));
  form->addRow(tr("E&xecution"), m_mode);
  m_timeline = named(new QCheckBox(tr("Record a &timeline"), this), "record_timeline", tr("Record a timeline"));
  m_timeline->setToolTip(tr("Every kernel, transfer and request of the run, shown in the Timeline panel when the run "
                            "ends. Costs about 1 % of the throughput, and memory for the last 262,144 events of each "
                            "queue."));
  m_timeline->setChecked(m_workspace.settings.recordTimeline());
  form->addRow(m_timeline);
  connect(m_timeline, &QCheckBox::toggled, &m_workspace.settings, &Settings::setRecordTimeline);
  connect(&m_workspace.settings, &Settings::recordTimelineChanged, m_timeline, &QCheckBox::setChecked);
  connect(m_batches, &QLineEdit::textChanged, this, &RequestEditor::changed);
}

QWidget* RequestEditor::makeMore() {
  auto* content = new QWidget(this);
  auto* form = new QFormLayout(content);
  form->setContentsMargins(fontMetrics().height(), 0, 0, 0);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  form->setRowWrapPolicy(QFormLayout::WrapLongRows);
  m_alone = named(new QDoubleSpinBox(content), "alone", tr("Each alone"));
  m_alone->setRange(-0.5, 3600);
  m_alone->setSingleStep(0.5);
  m_alone->setDecimals(1);
  m_alone->setValue(m_alone->minimum());
  m_alone->setSpecialValueText(tr("as fits the duration"));
  m_alone->setSuffix(tr(" s"));
  m_alone->setToolTip(tr("How long each of several replicas is measured alone before the run, for the verdict on what "
                         "simultaneous use gives; 0 turns the verdict off"));
  form->addRow(tr("Each a&lone"), m_alone);
  m_aloneText = explanation(content);
  m_aloneText->setObjectName(QStringLiteral("alone_text"));
  form->addRow(m_aloneText);
  m_bulk = named(new QDoubleSpinBox(content), "bulk_share", tr("Bulk requests"));
  m_bulk->setRange(0, 100);
  m_bulk->setDecimals(0);
  m_bulk->setSuffix(tr(" %"));
  m_bulk->setSpecialValueText(tr("none"));
  m_bulk->setToolTip(tr("Share of the requests that may wait for latency-sensitive ones. They are not starved: at most "
                        "8 batches of the others go before a bulk one that waits"));
  form->addRow(tr("&Bulk requests"), m_bulk);
  m_queueLimit = named(new QSpinBox(content), "queue_limit", tr("Queue limit"));
  m_queueLimit->setRange(0, kMostQueue);
  m_queueLimit->setSpecialValueText(tr("usual (16384)"));
  m_queueLimit->setToolTip(tr("Requests that wait or are computed at most; more are refused"));
  form->addRow(tr("Queue li&mit"), m_queueLimit);
  m_startOnCpu = named(new QCheckBox(tr("Let the CPU serve until &kernels are compiled"), content), "start_on_cpu",
                       tr("Let the CPU serve until kernels are compiled"));
  m_startOnCpu->setToolTip(tr("Requests are answered from the first second: the CPU stands in for each replica on "
                              "another device until that one is ready"));
  form->addRow(m_startOnCpu);
  const auto edited = [this] {
    updateExplanations();
    emit changed();
  };
  connect(m_alone, &QDoubleSpinBox::valueChanged, this, edited);
  connect(m_startOnCpu, &QCheckBox::toggled, this, edited);
  connect(m_queueLimit, &QSpinBox::valueChanged, this, edited);
  return content;
}

void RequestEditor::scenarioChosen() {
  m_values.insert(m_lastScenario, m_scenarioValue->value());
  m_lastScenario = scenarioKey();
  m_scenarioValue->setValue(m_values.value(m_lastScenario));
  updateExplanations();
  emit changed();
}

void RequestEditor::chooseFile() {
  auto* dialog = new QFileDialog(this, tr("Arrival times"), m_workspace.settings.lastFolder(QStringLiteral("replay")),
                                 tr("Arrival times (*.txt *.csv);;All files (*)"));
  dialog->setObjectName(QStringLiteral("replay_dialog"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::ExistingFile);
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    m_workspace.settings.setLastFolder(QStringLiteral("replay"), path);
    m_file->setText(path);
  });
  dialog->open();
}

QString RequestEditor::scenarioKey() const { return m_scenario->currentData().toString(); }
QString RequestEditor::routeKey() const { return m_route->currentData().toString(); }
bool RequestEditor::isPinned() const { return routeKey() == QLatin1String("pinned"); }

void RequestEditor::updateExplanations() {
  const ScenarioChoice scenario = scenarioChoices()[m_scenario->currentIndex()];
  m_scenarioText->setText(scenario.text);
  m_scenarioValue->setVisible(scenario.usual > 0);
  m_scenarioValue->setSuffix(scenario.suffix);
  m_fileRow->setVisible(scenario.key == QLatin1String("replay"));
  QString route = routeChoices()[m_route->currentIndex()].text;
  if (routeKey() == QLatin1String("size") && m_routeSize->value() == 0)
    route =
        tr("The size from which requests go to the second replica instead of the first is found by measuring both.");
  m_routeText->setText(route);
  m_routeSize->setVisible(routeKey() == QLatin1String("size"));
  m_routeMs->setVisible(routeKey() == QLatin1String("slo"));
  m_routePinned->setVisible(isPinned());
  // With one replica only a limit of time makes a difference.
  m_routeText->setEnabled(m_replicas > 1 || routeKey() == QLatin1String("slo"));
  m_aloneText->setText(m_startOnCpu->isChecked()
                           ? tr("No verdict: a run that starts on the CPU is about its first seconds.")
                       : m_alone->value() == 0 ? tr("No verdict on what simultaneous use gives.")
                                               : tr("For the verdict on what simultaneous use gives."));
  m_alone->setEnabled(!m_startOnCpu->isChecked() && m_startOnCpu->isEnabled());
}

void RequestEditor::setReplicas(int count) {
  m_replicas = count;
  const int pinned = m_routePinned->currentIndex();
  m_routePinned->clear();
  for (int i = 0; i < count; ++i) m_routePinned->addItem(tr("Replica %1").arg(i + 1));
  m_routePinned->setCurrentIndex(std::clamp(pinned, 0, std::max(0, count - 1)));
  updateExplanations();
}

QString RequestEditor::problem() const {
  if (scenarioKey() == QLatin1String("replay")) {
    if (m_file->text().trimmed().isEmpty()) return tr("Choose the file with arrival times to replay");
    if (!QFileInfo(m_file->text().trimmed()).isFile()) return tr("There is no file %1").arg(m_file->text().trimmed());
  }
  if (!m_batches->hasAcceptableInput()) return tr("Request sizes are numbers from 1 to 4096, like \"1,8\"");
  const std::vector<int> sizes = batches();
  if (QSet<int>(sizes.begin(), sizes.end()).size() != static_cast<qsizetype>(sizes.size()))
    return tr("A request size is there twice");
  if (std::any_of(sizes.begin(), sizes.end(), [](int size) { return size > 4096; }))
    return tr("Request sizes are numbers from 1 to 4096, like \"1,8\"");
  if (routeKey() == QLatin1String("size") && m_replicas < 2) return tr("Routing by size needs two replicas");
  const QString scenario = scenarioKey();
  const bool isClosed = scenario == QLatin1String("closed") || scenario == QLatin1String("multi-stream");
  if (isClosed && m_queueLimit->value() > 0 && m_scenarioValue->value() > m_queueLimit->value())
    return tr("The queue limit is below the %1 requests in flight").arg(m_scenarioValue->value(), 0, 'f', 0);
  return {};
}

std::vector<int> RequestEditor::batches() const {
  std::vector<int> sizes;
  for (const QString& part : m_batches->text().split(QLatin1Char(','), Qt::SkipEmptyParts)) {
    const int size = part.trimmed().toInt();
    if (size > 0) sizes.push_back(size);
  }
  if (sizes.empty()) sizes.push_back(1);
  return sizes;
}

std::string RequestEditor::route(const std::vector<std::string>& names) const {
  const std::string key = routeKey().toStdString();
  if (key == "size") return key + ":" + (m_routeSize->value() > 0 ? std::to_string(m_routeSize->value()) : "auto");
  if (key == "slo") return key + ":" + decimal(m_routeMs->value());
  if (!isPinned()) return key;
  const auto index = static_cast<std::size_t>(std::max(0, m_routePinned->currentIndex()));
  return key + ":" + (index < names.size() ? names[index] : std::string());
}

void RequestEditor::writeTo(session::RunSpec& spec) const {
  const ScenarioChoice scenario = scenarioChoices()[m_scenario->currentIndex()];
  spec.scenario = scenario.key.toStdString();
  if (scenario.key == QLatin1String("replay"))
    spec.scenario += ":" + m_file->text().trimmed().toStdString();
  else if (scenario.usual > 0)
    spec.scenario += ":" + QString::number(m_scenarioValue->value(), 'f', 0).toStdString();
  spec.batches = batches();
  spec.durationS = m_duration->value();
  spec.warmupS = m_warmup->value();
  spec.mode = m_mode->currentData().toString().toStdString();
  spec.aloneS = m_alone->value() < 0 ? -1 : m_alone->value();
  spec.bulkShare = m_bulk->value() / 100;
  spec.queueLimit = m_queueLimit->value();
  spec.startOnCpu = m_startOnCpu->isChecked();
  constexpr double kMargin = 0.1;
  spec.liveMargin = m_livePlacement->isChecked() ? kMargin : 0;
  if (m_timeline->isChecked()) spec.traceFile = "timeline.json"; // for commands; a run of the window has its own
}

void RequestEditor::setRunning(bool running) {
  for (QWidget* widget : m_fixed) widget->setEnabled(!running);
  if (!running) m_liveRow->hide();
  updateExplanations();
}

void RequestEditor::showLiveRoute(const QString& text, bool canApply) {
  m_liveRoute->setText(text);
  m_routeNow->setVisible(canApply);
  m_liveRow->setVisible(!text.isEmpty());
}

} // namespace tandem::ui
