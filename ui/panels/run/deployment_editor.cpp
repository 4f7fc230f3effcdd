// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/deployment_editor.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/panels/run/replica_card.hpp"
#include "ui/panels/run/request_editor.hpp"
#include "ui/panels/run/shared_cores_hint.hpp"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr int kMostReplicas = 16;

} // namespace

DeploymentEditor::DeploymentEditor(Workspace& workspace, QWidget* parent)
    : QWidget(parent),
      m_workspace(workspace),
      m_live(workspace.runs) {
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
  m_requests = new RequestEditor(m_workspace, this);
  layout->addWidget(m_requests);
  m_problem = new QLabel(this);
  m_problem->setObjectName(QStringLiteral("deployment_problem"));
  m_problem->setAccessibleName(tr("What is wrong with the deployment"));
  m_problem->setWordWrap(true);
  layout->addWidget(m_problem);
  layout->addStretch();

  fillPresets();
  connect(add, &QPushButton::clicked, this, [this] {
    session::ReplicaSpec replica;
    replica.device = m_workspace.devices.cpu().toStdString();
    addCard(m_nextCard++, replica);
    replicasEdited();
  });
  connect(m_requests, &RequestEditor::changed, this, [this] {
    updateProblem();
    updateLive();
  });
  connect(m_requests, &RequestEditor::routeNow, this, [this] { m_live.setRoute(route()); });
  RunController& runs = m_workspace.runs;
  connect(&runs, &RunController::started, this, &DeploymentEditor::beginRun);
  connect(&runs, &RunController::progressChanged, this, &DeploymentEditor::takeSnapshot);
  connect(&runs, &RunController::changesChanged, this, &DeploymentEditor::updateLive);
  connect(&runs, &RunController::stateChanged, this, [this] {
    if (!m_workspace.runs.isActive())
      endRun();
    else
      updateLive();
  });
  connect(&m_workspace.document, &DocumentModel::effectiveChanged, this, &DeploymentEditor::updateLive);
  connect(m_preset, &QComboBox::activated, this, [this](int index) {
    m_touched = true;
    applyPreset(m_preset->itemData(index).toInt());
  });
  connect(&m_workspace.devices, &DeviceListModel::changed, this, [this] {
    fillPresets();
    if (!m_touched && !m_running && !m_workspace.devices.isLoading()) applyPreset(kClassic);
  });
  applyPreset(kClassic);
  updateExplanations();
}

void DeploymentEditor::updateExplanations() {
  m_requests->setReplicas(replicaCount());
  QStringList devices;
  for (const Card& card : m_cards) devices << toQString(card.widget->spec().device);
  m_sharedCores->setDevices(devices);
  updateProblem();
  updateLive();
}

QString DeploymentEditor::problem() const {
  for (std::size_t i = 0; i < m_cards.size(); ++i)
    if (const QString text = m_cards[i].widget->problem(); !text.isEmpty())
      return tr("Replica %1: %2").arg(QString::number(i + 1), text);
  return m_requests->problem();
}

void DeploymentEditor::updateProblem() {
  const QString text = problem();
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText, Theme::of(palette()).problem);
  m_problem->setPalette(colors);
  m_problem->setText(text);
  m_problem->setVisible(!text.isEmpty());
  emit problemChanged();
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
  std::vector<std::pair<int, session::ReplicaSpec>> cards;
  for (const auto& replica : replicas) cards.emplace_back(m_nextCard++, replica);
  setCards(cards);
}

/// Made anew, since numbers are part of their names; those that stay keep the number they are known by in the run.
void DeploymentEditor::setCards(const std::vector<std::pair<int, session::ReplicaSpec>>& cards) {
  for (const Card& card : m_cards) {
    card.widget->hide();
    card.widget->deleteLater();
  }
  m_cards.clear();
  for (const auto& [number, replica] : cards) addCard(number, replica);
  updateExplanations();
}

void DeploymentEditor::addCard(int number, const session::ReplicaSpec& replica) {
  if (m_cards.size() >= kMostReplicas) return;
  auto* card = new ReplicaCard(m_workspace, replicaCount(), replica, this);
  m_cards.push_back({number, card});
  m_list->addWidget(card);
  connect(card, &ReplicaCard::changed, this, &DeploymentEditor::replicasEdited);
  connect(card, &ReplicaCard::removeRequested, this, [this, number] { removeCards({number}); });
  connect(card, &ReplicaCard::addNow, this, [this, number, card] { m_live.add(number, card->spec()); });
  connect(card, &ReplicaCard::applyNow, this, [this, number, card] { m_live.apply(number, card->spec()); });
  connect(card, &ReplicaCard::removeNow, this, [this, number] { m_live.remove(number); });
}

void DeploymentEditor::removeCards(const std::vector<int>& numbers) {
  std::vector<std::pair<int, session::ReplicaSpec>> kept;
  for (const Card& card : m_cards)
    if (std::find(numbers.begin(), numbers.end(), card.number) == numbers.end())
      kept.emplace_back(card.number, card.widget->spec());
  if (kept.empty()) return;
  setCards(kept);
  replicasEdited();
}

void DeploymentEditor::replicasEdited() {
  m_touched = true;
  m_preset->setCurrentIndex(m_preset->findData(kCustom));
  updateExplanations();
}

std::string DeploymentEditor::route() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < m_cards.size(); ++i) {
    const std::string live = m_live.name(m_cards[i].number);
    names.push_back(m_workspace.runs.isActive() ? live : "replica" + std::to_string(i + 1));
  }
  return m_requests->route(names);
}

session::RunSpec DeploymentEditor::spec() const {
  session::RunSpec spec;
  for (std::size_t i = 0; i < m_cards.size(); ++i) {
    spec.replicas.push_back(m_cards[i].widget->spec());
    // A pinned route needs a name that both sides know.
    if (m_requests->isPinned()) spec.replicas.back().name = "replica" + std::to_string(i + 1);
  }
  m_requests->writeTo(spec);
  spec.route = route();
  return spec;
}

void DeploymentEditor::beginRun() {
  std::vector<int> numbers;
  for (const Card& card : m_cards) numbers.push_back(card.number);
  m_live.begin(numbers);
  setRunning(true);
}

void DeploymentEditor::endRun() {
  const std::vector<int> removed = m_live.end();
  setRunning(false);
  if (!removed.empty()) removeCards(removed);
}

void DeploymentEditor::setRunning(bool running) {
  m_running = running;
  m_preset->setEnabled(!running);
  m_sharedCores->setEnabled(!running);
  m_requests->setRunning(running);
  m_liveKey.clear();
  updateLive();
}

/// Snapshots come ten times a second: only what can change a card is looked at that often.
void DeploymentEditor::takeSnapshot() {
  const session::Snapshot* snapshot = m_workspace.runs.lastSnapshot();
  if (!m_running || snapshot == nullptr) return;
  std::string key = snapshot->phase + (m_live.canChange() ? "!" : "");
  for (const auto& replica : snapshot->replicas)
    key += "\n" + replica.name + " " + replica.state + " " + std::to_string(replica.batchLimit);
  if (key == m_liveKey) return;
  m_liveKey = std::move(key);
  updateLive();
}

void DeploymentEditor::updateLive() {
  if (m_running) m_live.update();
  for (const Card& card : m_cards) {
    const bool isLive = m_running && !m_live.name(card.number).empty() && m_live.isPresent(card.number);
    card.widget->setRemovable(m_cards.size() > 1 && !isLive,
                              isLive ? tr("It runs: \"Remove now\" takes it out of the run first") : QString());
    if (m_running)
      card.widget->showLive(m_live.describe(card.number, card.widget->spec()));
    else
      card.widget->hideLive();
  }
  if (!m_running) return;
  const std::string wanted = route();
  const QString now = tr("Routing now: %1.").arg(toQString(m_live.route()));
  if (m_live.isRoutePending())
    m_requests->showLiveRoute(tr("%1 The change is being made.").arg(now), false);
  else if (!m_requests->problem().isEmpty())
    m_requests->showLiveRoute(now, false);
  else if (wanted != m_live.route())
    m_requests->showLiveRoute(tr("%1 The choice above is not applied yet.").arg(now),
                              m_live.canChange() && wanted != "pinned:");
  else
    m_requests->showLiveRoute(now, false);
}

} // namespace tandem::ui
