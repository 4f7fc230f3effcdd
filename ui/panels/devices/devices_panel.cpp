// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/devices/devices_panel.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/panels/devices/core_sets_editor.hpp"
#include "ui/panels/devices/device_card.hpp"
#include "ui/widgets/common/common.hpp"

#include <QEvent>
#include <QInputDialog>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

namespace tandem::ui {

DevicesPanel::DevicesPanel(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("devices_panel"));
  auto* layout = new QVBoxLayout(this);
  const int gap = fontMetrics().height() / 2;
  layout->setContentsMargins(gap, gap, gap, gap);
  m_loading = new QProgressBar(this);
  m_loading->setRange(0, 0);
  m_loading->setAccessibleName(tr("Looking for devices"));
  m_loading->setFormat(tr("Looking for devices"));
  layout->addWidget(m_loading);

  auto* scroll = new QScrollArea(this);
  scroll->setObjectName(QStringLiteral("device_list"));
  scroll->setAccessibleName(tr("Devices"));
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  auto* inner = new QWidget(scroll);
  m_cards = new QVBoxLayout(inner);
  m_cards->setContentsMargins(0, 0, 0, 0);
  m_cards->setSpacing(gap);
  scroll->setWidget(inner);
  layout->addWidget(scroll, 1);

  layout->addWidget(new CoreSetsEditor(workspace, this));
  m_probe = new QPushButton(icon(QStringLiteral("probe")), tr("&Measure devices"), this);
  m_probe->setObjectName(QStringLiteral("probe_devices"));
  m_probe->setToolTip(tr("Measures compute speed, memory bandwidth, copies and launch time of every device"));
  layout->addWidget(m_probe);

  connect(m_probe, &QPushButton::clicked, &m_workspace.devices, &DeviceListModel::probe);
  connect(&m_workspace.devices, &DeviceListModel::changed, this, &DevicesPanel::rebuild);
  connect(&m_workspace.runs, &RunController::stateChanged, this, &DevicesPanel::rebuild);
  rebuild();
}

void DevicesPanel::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange)
    QMetaObject::invokeMethod(this, &DevicesPanel::rebuild, Qt::QueuedConnection);
  QWidget::changeEvent(event);
}

void DevicesPanel::addNote(const QString& text, bool problem) {
  auto* label = new QLabel(text);
  label->setWordWrap(true);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  if (problem) {
    QPalette colors = palette();
    colors.setColor(QPalette::WindowText, Theme::of(colors).problem);
    label->setPalette(colors);
  }
  m_cards->addWidget(label);
}

void DevicesPanel::rebuild() {
  const DeviceListModel& devices = m_workspace.devices;
  m_loading->setVisible(devices.isLoading());
  m_loading->setFormat(devices.isProbing() ? tr("Measuring devices") : tr("Looking for devices"));
  m_loading->setTextVisible(true);
  m_probe->setEnabled(!devices.isLoading() && !m_workspace.runs.isActive());
  while (QLayoutItem* item = m_cards->takeAt(0)) {
    if (item->widget() != nullptr) {
      item->widget()->hide();
      item->widget()->deleteLater();
    }
    delete item;
  }
  for (const auto& device : devices.list().devices) {
    auto* card = new DeviceCard(device, devices.numberOf(toQString(device.id)));
    connect(card, &DeviceCard::assignRequested, this,
            [this](const QString& id) { m_workspace.document.assign(m_workspace.selection.nodes(), id); });
    connect(card, &DeviceCard::hideRequested, &m_workspace.devices, &DeviceListModel::setHidden);
    connect(card, &DeviceCard::limitRequested, this, &DevicesPanel::askLimit);
    m_cards->addWidget(card);
  }
  if (devices.error() && devices.list().devices.empty())
    addNote(errorHeadline(*devices.error()) + QLatin1Char('\n') + errorDetail(*devices.error()), true);
  for (const auto& problem : devices.list().problems)
    addNote(tr("%1 could not be used: %2").arg(toQString(problem.platform), toQString(problem.message)), true);
  if (!devices.list().advice.empty()) addNote(toQString(devices.list().advice), false);
  m_cards->addStretch();
}

void DevicesPanel::askLimit(const QString& id) {
  const auto* device = m_workspace.devices.find(id);
  if (device == nullptr) return;
  constexpr double kMiB = 1024.0 * 1024.0;
  auto* dialog = new QInputDialog(this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setWindowTitle(tr("Memory limit"));
  dialog->setLabelText(tr("Most memory that layers on %1 may take, in MiB (0: no limit):").arg(id));
  dialog->setInputMode(QInputDialog::IntInput);
  dialog->setIntRange(0, device->memoryBytes > 0 ? static_cast<int>(static_cast<double>(device->memoryBytes) / kMiB)
                                                 : 1 << 20);
  dialog->setIntStep(64);
  dialog->setIntValue(device->memoryLimitBytes ? static_cast<int>(static_cast<double>(*device->memoryLimitBytes) / kMiB)
                                               : 0);
  connect(dialog, &QInputDialog::intValueSelected, this, [this, id](int mib) {
    m_workspace.devices.setMemoryLimit(id, mib > 0 ? std::optional<qint64>(qint64{mib} << 20) : std::nullopt);
  });
  dialog->open();
}

} // namespace tandem::ui
