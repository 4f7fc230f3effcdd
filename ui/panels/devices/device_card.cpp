// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/devices/device_card.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/core/units.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QApplication>
#include <QDrag>
#include <QGridLayout>
#include <QLabel>
#include <QMenu>
#include <QMimeData>
#include <QMouseEvent>
#include <QToolButton>
#include <QVBoxLayout>

namespace tandem::ui {
namespace {

QLabel* muted(const QString& text, QWidget* parent) {
  auto* label = new QLabel(text, parent);
  label->setWordWrap(true);
  QPalette palette = label->palette();
  palette.setColor(QPalette::WindowText, Theme::of(palette).mutedText);
  label->setPalette(palette);
  return label;
}

QString bytes(std::int64_t value) { return formatBytes(static_cast<double>(value)); }

} // namespace

DeviceCard::DeviceCard(const session::DeviceSummary& device, int number, QWidget* parent)
    : QFrame(parent),
      m_id(toQString(device.id)),
      m_label(deviceLabel(device)),
      m_number(number) {
  setObjectName(QStringLiteral("device_") + m_id);
  setFrameShape(QFrame::StyledPanel);
  setAutoFillBackground(true);
  setBackgroundRole(QPalette::Base);
  setAccessibleName(m_label);
  auto* layout = new QVBoxLayout(this);
  const int gap = fontMetrics().height() / 3;
  layout->setSpacing(gap);
  layout->setContentsMargins(gap * 2, gap * 2, gap * 2, gap * 2);

  auto* top = new QHBoxLayout;
  auto* pill = new DevicePill(this);
  pill->setDevice(number, m_id, m_id);
  top->addWidget(pill);
  if (number >= 0 && number < 9) {
    auto* key = muted(tr("[%1]").arg(number + 1), this);
    key->setWordWrap(false);
    key->setToolTip(tr("Press %1 to put the selected layers on this device").arg(number + 1));
    top->addWidget(key);
  }
  top->addStretch();
  auto* menuButton = new QToolButton(this);
  menuButton->setText(QString(QChar(0x22ef)));
  menuButton->setAutoRaise(true);
  menuButton->setPopupMode(QToolButton::InstantPopup);
  menuButton->setAccessibleName(tr("Actions for %1").arg(m_id));
  menuButton->setToolTip(tr("What can be done with this device"));
  menuButton->setObjectName(QStringLiteral("device_menu_") + m_id);
  auto* menu = new QMenu(menuButton);
  if (device.visible) menu->addAction(tr("Put the selected layers here"), this, [this] { emit assignRequested(m_id); });
  menu->addAction(device.memoryLimitBytes ? tr("Change memory limit...") : tr("Set memory limit..."), this,
                  [this] { emit limitRequested(m_id); });
  const bool visible = device.visible;
  menu->addAction(visible ? tr("Hide this device") : tr("Show this device"), this,
                  [this, visible] { emit hideRequested(m_id, visible); });
  menuButton->setMenu(menu);
  top->addWidget(menuButton);
  layout->addLayout(top);

  auto* name = new QLabel(deviceHeadline(device), this);
  name->setWordWrap(true);
  QFont bold = name->font();
  bold.setBold(true);
  name->setFont(bold);
  name->setTextInteractionFlags(Qt::TextSelectableByMouse);
  layout->addWidget(name);
  const bool renamed = name->text() != toQString(device.name);
  if (renamed && !device.name.empty()) {
    QLabel* own = muted(toQString(device.name), this);
    own->setTextInteractionFlags(Qt::TextSelectableByMouse);
    own->setToolTip(tr("The name that the driver gives"));
    layout->addWidget(own);
  }

  auto* grid = new QGridLayout;
  grid->setHorizontalSpacing(gap * 2);
  grid->setVerticalSpacing(gap / 2);
  grid->setColumnStretch(1, 1);
  const auto row = [&](const QString& title, const QString& value) {
    if (value.isEmpty()) return;
    const int at = grid->rowCount();
    grid->addWidget(muted(title, this), at, 0, Qt::AlignTop);
    auto* text = new QLabel(value, this);
    text->setWordWrap(true);
    text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    grid->addWidget(text, at, 1, Qt::AlignTop);
  };
  if (!renamed) row(tr("Kind"), deviceKindText(device.kind)); // else the headline says it
  row(tr("Driver"), toQString(device.driver));
  QString memory = device.memoryBytes > 0 ? bytes(device.memoryBytes) : QString();
  if (device.memoryLimitBytes) memory = tr("%1, limited to %2").arg(memory, bytes(*device.memoryLimitBytes));
  if (device.unifiedMemory && !memory.isEmpty() && device.kind != "cpu")
    memory = tr("%1, shared with the CPU").arg(memory);
  row(tr("Memory"), memory);
  row(tr("Units"), device.computeUnits > 0 ? QString::number(device.computeUnits) : QString());
  row(tr("Cores"), toQString(device.cores));
  if (device.probe) {
    const auto& probe = *device.probe;
    const auto rate = [](double value) { return QLocale().toString(value, 'f', value < 10 ? 1 : 0); };
    row(tr("Compute"), tr("%1 GFLOP/s measured").arg(rate(probe.gflops)));
    row(tr("Bandwidth"), tr("%1 GB/s measured").arg(rate(probe.memoryGbPerS)));
    row(tr("Copies"), tr("%1 GB/s in, %2 GB/s out").arg(rate(probe.toDeviceGbPerS), rate(probe.toHostGbPerS)));
    row(tr("Launch"), tr("%1, round trip %2").arg(formatMs(probe.launchUs / 1e3), formatMs(probe.roundTripUs / 1e3)));
  }
  layout->addLayout(grid);
  if (!device.note.empty() && device.note != "cores " + device.cores && device.note != "core " + device.cores)
    layout->addWidget(muted(toQString(device.note), this));
  if (!device.visible) layout->addWidget(muted(tr("Hidden: no layer is placed here."), this));
  setToolTip(device.visible ? tr("Drag onto layers to put them on %1").arg(m_id) : QString());
}

void DeviceCard::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) m_pressed = event->position().toPoint();
  QFrame::mousePressEvent(event);
}

void DeviceCard::mouseMoveEvent(QMouseEvent* event) {
  const bool far = (event->position().toPoint() - m_pressed).manhattanLength() >= QApplication::startDragDistance();
  if (!(event->buttons() & Qt::LeftButton) || !far || m_number < 0) return;
  auto* drag = new QDrag(this);
  auto* payload = new QMimeData;
  payload->setData(QLatin1String(kDeviceMimeType), m_id.toUtf8());
  payload->setText(m_id);
  drag->setMimeData(payload);
  drag->setPixmap(deviceIcon(m_number, m_id, palette()).pixmap(fontMetrics().height() * 2));
  drag->exec(Qt::CopyAction);
}

} // namespace tandem::ui
