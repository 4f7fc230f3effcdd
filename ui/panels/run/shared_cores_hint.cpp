// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/shared_cores_hint.hpp"

#include "engine/base/core_sets.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace tandem::ui {
namespace {

/// Empty for devices with cores that nobody names, such as a GPU.
CpuSet coresOf(const DeviceListModel& devices, const QString& id) {
  const auto* device = devices.find(id);
  if (device == nullptr || device->cores.empty()) return {};
  const auto cores = CpuSet::parse(device->cores);
  return cores ? *cores : CpuSet();
}

} // namespace

SharedCoresHint::SharedCoresHint(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("shared_cores"));
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  m_text = new QLabel(this);
  m_text->setWordWrap(true);
  m_text->setObjectName(QStringLiteral("shared_cores_text"));
  column->addWidget(m_text);
  m_button = new QPushButton(tr("Separate the &cores"), this);
  m_button->setObjectName(QStringLiteral("separate_cores"));
  m_button->setToolTip(tr("Splits the processor into two core sets and gives each copy one of them"));
  auto* row = new QHBoxLayout;
  row->addWidget(m_button);
  row->addStretch();
  column->addLayout(row);
  connect(m_button, &QPushButton::clicked, this, &SharedCoresHint::separate);
  connect(&m_workspace.devices, &DeviceListModel::changed, this, &SharedCoresHint::update);
  connect(&m_workspace.runs, &RunController::stateChanged, this, &SharedCoresHint::update);
  update();
}

void SharedCoresHint::setDevices(const QStringList& devices) {
  m_devices = devices;
  update();
}

void SharedCoresHint::update() {
  const DeviceListModel& devices = m_workspace.devices;
  QString text;
  for (qsizetype i = 0; i < m_devices.size(); ++i)
    for (qsizetype k = 0; k < i; ++k) {
      if (!text.isEmpty() || m_devices[i] == m_devices[k]) continue;
      const SharedCores shared =
          sharedCores(coresOf(devices, m_devices[k]), coresOf(devices, m_devices[i]), devices.list().topology);
      if (!shared.processors.empty())
        text = tr("%1 and %2 compute on the same cores (%3) and will slow each other down.")
                   .arg(m_devices[k], m_devices[i], toQString(shared.processors.toString()));
      else if (!shared.empty())
        text = tr("%1 and %2 share %3 and will slow each other down.")
                   .arg(m_devices[k], m_devices[i], toQString(shared.text()));
    }
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText, Theme::of(colors).problem);
  m_text->setPalette(colors);
  m_text->setText(text);
  m_button->setVisible(m_devices.size() == 2 && coresOf(devices, devices.cpu()).count() >= 2);
  m_button->setEnabled(!devices.isLoading() && !m_workspace.runs.isActive());
  setVisible(!text.isEmpty());
}

void SharedCoresHint::separate() {
  const CpuSet whole = coresOf(m_workspace.devices, m_workspace.devices.cpu());
  std::vector<int> both = whole.cpus();
  for (const QString& id : m_devices) {
    const CpuSet own = coresOf(m_workspace.devices, id);
    both.insert(both.end(), own.cpus().begin(), own.cpus().end());
  }
  // Where the engine tells which processors are siblings, these stay together.
  if (const auto halves = halvesOf(m_workspace.devices.list().topology.restrictedTo(CpuSet(both))); !halves.empty()) {
    emit separating();
    return m_workspace.devices.setCores(toQString(toText(halves)));
  }
  const std::vector<int>& cores = whole.cpus();
  if (cores.size() < 2) return;
  const auto half = cores.begin() + static_cast<std::ptrdiff_t>((cores.size() + 1) / 2);
  const CpuSet first(std::vector<int>(cores.begin(), half)), second(std::vector<int>(half, cores.end()));
  emit separating();
  m_workspace.devices.setCores(toQString(first.toString() + ";" + second.toString()));
}

} // namespace tandem::ui
