// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/deployment_editor.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/panels/run/replica_card.hpp"
#include "ui/panels/run/shared_cores_hint.hpp"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRegularExpressionValidator>
#include <QSpinBox>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr int kMostReplicas = 16;

struct Choice {
  const char* key;
  const char* title;
  const char* text;
};

constexpr Choice kScenarios[] = {
    {"closed", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Closed loop: clients"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor",
                       "Each client sends its next request when the last one is answered.")},
    {"single-stream", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Single stream"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "One request after another: the best latency there is.")},
    {"multi-stream", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Multi stream: at once"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Several requests arrive together; the next group when all are "
                                                       "answered.")},
    {"poisson", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Open loop: per second"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Requests arrive at random times, whether or not the engine "
                                                       "keeps up; latency counts from the scheduled arrival.")},
    {"offline", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Offline: requests"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "All requests are there from the start: the best throughput.")},
};

constexpr Choice kRoutes[] = {
    {"predicted-finish", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Predicted finish"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "To the replica that is expected to answer first.")},
    {"least-loaded", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Least loaded"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "To the replica with the fewest waiting items.")},
    {"round-robin", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Round robin"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "To each replica in turn, however fast it is.")},
    {"size", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "By size"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Requests of at most this many items go to the first replica, "
                                                       "larger ones to the second.")},
    {"split", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Split each request"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "One request is divided over the replicas in proportion to "
                                                       "their speed.")},
    {"pinned", QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "Pinned"),
     QT_TRANSLATE_NOOP("tandem::ui::DeploymentEditor", "All requests go to one replica.")},
};

QLabel* explanation(QWidget* parent) {
  auto* label = new QLabel(parent);
  label->setWordWrap(true);
  label->setForegroundRole(QPalette::PlaceholderText);
  return label;
}

} // namespace

DeploymentEditor::DeploymentEditor(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  auto* layout = new QVBoxLayout(this);
  const int gap = fontMetrics().height() / 2;
  layout->setContentsMargins(gap, gap, gap, gap);
  layout->setSpacing(gap);
  m_preset = new QComboBox(this);
  m_preset->setObjectName(QStringLiteral("deployment_preset"));
  m_preset->setAccessibleName(tr("Deployment"));
  m_preset->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_preset->setMinimumContentsLength(16);
  layout->addWidget(m_preset);
  m_list = new QVBoxLayout;
  m_list->setSpacing(gap / 2);
  layout->addLayout(m_list);
  auto* add = new QPushButton(icon(QStringLiteral("plus")), tr("Add re&plica"), this);
  add->setObjectName(QStringLiteral("add_replica"));
  add->setToolTip(tr("A replica is a whole copy of the model with its own streams"));
  auto* addRow = new QHBoxLayout;
  addRow->addWidget(add);
  addRow->addStretch();
  layout->addLayout(addRow);
  m_sharedCores = new SharedCoresHint(m_workspace, this);
  layout->addWidget(m_sharedCores);
  connect(m_sharedCores, &SharedCoresHint::separating, this, [this] { m_touched = false; });
  auto* form = new QFormLayout;
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  form->setRowWrapPolicy(QFormLayout::WrapLongRows);
  makeRequests(form);
  layout->addLayout(form);
  layout->addStretch();

  fillPresets();
  connect(add, &QPushButton::clicked, this, [this] {
    session::ReplicaSpec replica;
    replica.device = m_workspace.devices.cpu().toStdString();
    addReplica(replica);
    replicasEdited();
  });
  connect(m_preset, &QComboBox::activated, this, [this](int index) {
    m_touched = true;
    applyPreset(m_preset->itemData(index).toInt());
  });
  connect(&m_workspace.devices, &DeviceListModel::changed, this, [this] {
    fillPresets();
    if (!m_touched && !m_workspace.devices.isLoading()) applyPreset(kClassic);
  });
  applyPreset(kClassic);
  updateExplanations();
}

void DeploymentEditor::makeRequests(QFormLayout* form) {
  const auto named = [](auto* widget, const QString& name, const QString& accessible) {
    widget->setObjectName(name);
    widget->setAccessibleName(accessible);
    return widget;
  };
  m_scenario = named(new QComboBox(this), QStringLiteral("scenario"), tr("Scenario"));
  for (const Choice& choice : kScenarios) m_scenario->addItem(tr(choice.title), QLatin1String(choice.key));
  m_scenario->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_scenario->setMinimumContentsLength(10);
  m_scenarioValue = named(new QDoubleSpinBox(this), QStringLiteral("scenario_value"), tr("Scenario value"));
  m_scenarioValue->setRange(1, 1e6);
  m_scenarioValue->setDecimals(0);
  m_scenarioValue->setValue(4);
  m_scenarioText = explanation(this);
  auto* scenarioRow = new QHBoxLayout;
  scenarioRow->addWidget(m_scenario, 1);
  scenarioRow->addWidget(m_scenarioValue);
  form->addRow(tr("&Scenario"), scenarioRow);
  qobject_cast<QLabel*>(form->labelForField(scenarioRow))->setBuddy(m_scenario);
  form->addRow(m_scenarioText);

  m_route = named(new QComboBox(this), QStringLiteral("route"), tr("Routing"));
  for (const Choice& choice : kRoutes) m_route->addItem(tr(choice.title), QLatin1String(choice.key));
  m_routeSize = named(new QSpinBox(this), QStringLiteral("route_size"), tr("Largest request for the first replica"));
  m_routeSize->setRange(1, 4096);
  m_routeSize->setValue(2);
  m_routePinned = named(new QComboBox(this), QStringLiteral("route_pinned"), tr("Replica that gets all requests"));
  m_routeText = explanation(this);
  auto* routeRow = new QHBoxLayout;
  routeRow->addWidget(m_route, 1);
  routeRow->addWidget(m_routeSize);
  routeRow->addWidget(m_routePinned);
  form->addRow(tr("R&outing"), routeRow);
  qobject_cast<QLabel*>(form->labelForField(routeRow))->setBuddy(m_route);
  form->addRow(m_routeText);

  m_batches = named(new QLineEdit(QStringLiteral("1"), this), QStringLiteral("batches"), tr("Request sizes"));
  m_batches->setValidator(new QRegularExpressionValidator(
      QRegularExpression(QStringLiteral("[1-9][0-9]{0,3}( *, *[1-9][0-9]{0,3}){0,15}")), m_batches));
  m_batches->setToolTip(tr("Items per request; several sizes are mixed evenly: \"1,8\""));
  form->addRow(tr("Re&quest sizes"), m_batches);
  m_duration = named(new QDoubleSpinBox(this), QStringLiteral("duration"), tr("Duration"));
  m_duration->setRange(0.5, 86400);
  m_duration->setDecimals(1);
  m_duration->setValue(10);
  m_duration->setSuffix(tr(" s"));
  form->addRow(tr("&Duration"), m_duration);
  m_warmup = named(new QDoubleSpinBox(this), QStringLiteral("warmup"), tr("Warm-up"));
  m_warmup->setRange(0, 3600);
  m_warmup->setDecimals(1);
  m_warmup->setValue(1);
  m_warmup->setSuffix(tr(" s"));
  m_warmup->setToolTip(tr("Runs before the measurement and is not counted"));
  form->addRow(tr("&Warm-up"), m_warmup);
  m_mode = named(new QComboBox(this), QStringLiteral("mode"), tr("Execution"));
  m_mode->addItem(tr("Compiled (fused, planned)"), QStringLiteral("compiled"));
  m_mode->addItem(tr("Eager (layer by layer)"), QStringLiteral("eager"));
  form->addRow(tr("E&xecution"), m_mode);
  connect(m_scenario, &QComboBox::activated, this, &DeploymentEditor::updateExplanations);
  connect(m_route, &QComboBox::activated, this, &DeploymentEditor::updateExplanations);
}

void DeploymentEditor::updateExplanations() {
  m_scenarioText->setText(tr(kScenarios[m_scenario->currentIndex()].text));
  m_routeText->setText(tr(kRoutes[m_route->currentIndex()].text));
  m_scenarioValue->setVisible(m_scenario->currentData() != QLatin1String("single-stream"));
  m_routeSize->setVisible(m_route->currentData() == QLatin1String("size"));
  m_routePinned->setVisible(m_route->currentData() == QLatin1String("pinned"));
  m_route->setEnabled(m_cards.size() > 1);
  QStringList devices;
  for (const ReplicaCard* card : m_cards) devices << toQString(card->spec().device);
  m_sharedCores->setDevices(devices);
}

QString DeploymentEditor::secondDevice() const {
  const auto& devices = m_workspace.devices;
  const auto* cpu = devices.find(devices.cpu());
  for (const auto& device : devices.list().devices) {
    // Beside CPU:0, prefer a device that does not share its cores.
    if (device.visible && device.kind != "cpu" && (cpu == nullptr || device.cores != cpu->cores))
      return toQString(device.id);
  }
  return devices.accelerator();
}

void DeploymentEditor::fillPresets() {
  const QVariant current = m_preset->currentData();
  m_preset->clear();
  m_preset->addItem(tr("One copy per device (classic)"), kClassic);
  m_preset->addItem(tr("Only %1").arg(m_workspace.devices.cpu()), kOnlyCpu);
  const QString accelerator = m_workspace.devices.accelerator();
  if (!accelerator.isEmpty()) m_preset->addItem(tr("Only %1").arg(accelerator), kOnlyAccelerator);
  m_preset->addItem(tr("Layers split (current placement)"), kSplit);
  m_preset->addItem(tr("Custom"), kCustom);
  m_preset->setCurrentIndex(std::max(0, m_preset->findData(current)));
}

void DeploymentEditor::applyPreset(int preset) {
  const auto on = [](const QString& device) {
    session::ReplicaSpec replica;
    replica.device = device.toStdString();
    return replica;
  };
  const auto& devices = m_workspace.devices;
  switch (preset) {
  case kClassic: {
    std::vector<session::ReplicaSpec> replicas = {on(devices.cpu())};
    if (const QString second = secondDevice(); !second.isEmpty()) replicas.push_back(on(second));
    setReplicas(replicas);
    break;
  }
  case kOnlyCpu: setReplicas({on(devices.cpu())}); break;
  case kOnlyAccelerator: setReplicas({on(devices.accelerator())}); break;
  case kSplit: {
    session::ReplicaSpec replica;
    replica.placement = m_workspace.document.placement();
    setReplicas({replica});
    break;
  }
  default: break;
  }
  m_preset->setCurrentIndex(m_preset->findData(preset));
}

void DeploymentEditor::setReplicas(const std::vector<session::ReplicaSpec>& replicas) {
  for (ReplicaCard* card : m_cards) {
    card->hide();
    card->deleteLater();
  }
  m_cards.clear();
  for (const auto& replica : replicas) addReplica(replica);
}

void DeploymentEditor::addReplica(const session::ReplicaSpec& replica) {
  if (m_cards.size() >= kMostReplicas) return;
  auto* card = new ReplicaCard(m_workspace, replicaCount(), replica, this);
  m_cards.push_back(card);
  m_list->addWidget(card);
  connect(card, &ReplicaCard::changed, this, &DeploymentEditor::replicasEdited);
  connect(card, &ReplicaCard::removeRequested, this, [this, card] {
    std::vector<session::ReplicaSpec> kept;
    for (const ReplicaCard* other : m_cards) {
      if (other != card) kept.push_back(other->spec());
    }
    setReplicas(kept);
    replicasEdited();
  });
  for (ReplicaCard* each : m_cards) each->setRemovable(m_cards.size() > 1);
  m_routePinned->clear();
  for (std::size_t i = 0; i < m_cards.size(); ++i)
    m_routePinned->addItem(tr("Replica %1").arg(i + 1), QStringLiteral("replica%1").arg(i + 1));
  updateExplanations();
}

void DeploymentEditor::replicasEdited() {
  m_touched = true;
  m_preset->setCurrentIndex(m_preset->findData(kCustom));
  for (ReplicaCard* card : m_cards) card->setRemovable(m_cards.size() > 1);
  updateExplanations();
}

std::vector<int> DeploymentEditor::batches() const {
  std::vector<int> sizes;
  for (const QString& part : m_batches->text().split(QLatin1Char(','), Qt::SkipEmptyParts)) {
    const int size = part.trimmed().toInt();
    if (size > 0) sizes.push_back(size);
  }
  if (sizes.empty()) sizes.push_back(1);
  return sizes;
}

session::RunSpec DeploymentEditor::spec() const {
  session::RunSpec spec;
  const QString route = m_route->currentData().toString();
  for (std::size_t i = 0; i < m_cards.size(); ++i) {
    spec.replicas.push_back(m_cards[i]->spec());
    // A pinned route needs a name that both sides know.
    if (route == QLatin1String("pinned")) spec.replicas.back().name = "replica" + std::to_string(i + 1);
  }
  const QString scenario = m_scenario->currentData().toString();
  spec.scenario = scenario.toStdString();
  if (scenario != QLatin1String("single-stream"))
    spec.scenario += ":" + QString::number(m_scenarioValue->value(), 'f', 0).toStdString();
  spec.route = route.toStdString();
  if (route == QLatin1String("size")) spec.route += ":" + std::to_string(m_routeSize->value());
  if (route == QLatin1String("pinned")) spec.route += ":" + m_routePinned->currentData().toString().toStdString();
  spec.batches = batches();
  spec.durationS = m_duration->value();
  spec.warmupS = m_warmup->value();
  spec.mode = m_mode->currentData().toString().toStdString();
  return spec;
}

} // namespace tandem::ui
