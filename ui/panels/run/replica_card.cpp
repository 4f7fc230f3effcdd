// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/replica_card.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/panels/run/batching_editor.hpp"
#include "ui/widgets/common/common.hpp"

#include <QComboBox>
#include <QGridLayout>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>

namespace tandem::ui {
namespace {
constexpr int kMostThreads = 1024, kMostStreams = 256, kMostBatch = 4096;
}

ReplicaCard::ReplicaCard(Workspace& workspace, int index, const session::ReplicaSpec& spec, QWidget* parent)
    : QFrame(parent),
      m_workspace(workspace),
      m_spec(spec) {
  setObjectName(QStringLiteral("replica_%1").arg(index));
  setFrameShape(QFrame::StyledPanel);
  setAutoFillBackground(true);
  setBackgroundRole(QPalette::Base);
  const QString who = tr("replica %1").arg(index + 1);
  auto* grid = new QGridLayout(this);
  const int gap = fontMetrics().height() / 3;
  grid->setContentsMargins(gap * 2, gap, gap * 2, gap);
  grid->setSpacing(gap);
  m_device = new QComboBox(this);
  m_device->setObjectName(QStringLiteral("replica_device_%1").arg(index));
  m_device->setAccessibleName(tr("Device of %1").arg(who));
  m_device->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_device->setMinimumContentsLength(12);
  grid->addWidget(m_device, 0, 0, 1, 5);
  m_remove = new QToolButton(this);
  m_remove->setIcon(icon(QStringLiteral("remove")));
  m_remove->setAutoRaise(true);
  m_remove->setToolTip(tr("Remove this replica"));
  m_remove->setAccessibleName(tr("Remove %1").arg(who));
  m_remove->setObjectName(QStringLiteral("replica_remove_%1").arg(index));
  grid->addWidget(m_remove, 0, 5);

  const auto spin = [&](int column, const QString& title, const QString& name, int low, int high, int value,
                        const QString& special, const QString& help) {
    auto* box = new QSpinBox(this);
    box->setRange(low, high);
    box->setValue(value);
    if (!special.isEmpty()) box->setSpecialValueText(special);
    box->setToolTip(help);
    box->setAccessibleName(tr("%1 of %2").arg(title, who));
    box->setObjectName(QStringLiteral("replica_%1_%2").arg(name).arg(index));
    auto* label = new QLabel(title, this);
    label->setBuddy(box);
    grid->addWidget(label, 1, column, 1, 2);
    grid->addWidget(box, 2, column, 1, 2);
    connect(box, &QSpinBox::valueChanged, this, &ReplicaCard::changed);
    return box;
  };
  m_threads = spin(0, tr("Threads"), QStringLiteral("threads"), 0, kMostThreads, spec.threads, tr("all"),
                   tr("Threads that compute one request on a native CPU; \"all\" takes every core of the device"));
  m_streams = spin(2, tr("Streams"), QStringLiteral("streams"), 1, kMostStreams, spec.streams, {},
                   tr("Requests that this replica works on at the same time"));
  m_batch = spin(4, tr("Batch"), QStringLiteral("batch"), 0, kMostBatch, spec.batch, tr("as sent"),
                 tr("Items that are joined into one execution; \"as sent\" computes every request on its own"));
  for (int column = 0; column < 6; ++column) grid->setColumnStretch(column, 1);
  m_precision = new QComboBox(this);
  m_precision->setObjectName(QStringLiteral("replica_precision_%1").arg(index));
  m_precision->setAccessibleName(tr("Precision of %1").arg(who));
  m_precision->addItem(tr("as the model says"), QStringLiteral("model"));
  m_precision->addItem(tr("float16 weights"), QStringLiteral("float16"));
  m_precision->setCurrentIndex(std::max(0, m_precision->findData(toQString(spec.precision))));
  auto* precisionLabel = new QLabel(tr("Precision"), this);
  precisionLabel->setBuddy(m_precision);
  grid->addWidget(precisionLabel, 3, 0, 1, 2);
  grid->addWidget(m_precision, 3, 2, 1, 4);
  m_batching = new BatchingEditor(index, who, spec, this);
  grid->addWidget(m_batching, 4, 0, 1, 6);
  connect(m_batch, &QSpinBox::valueChanged, m_batching, &BatchingEditor::setBatch);
  connect(m_batching, &BatchingEditor::changed, this, &ReplicaCard::changed);
  makeLive(index, who);
  grid->addWidget(m_live, 5, 0, 1, 6);

  fillDevices();
  setDevice(spec.placement ? QString() : toQString(spec.device));
  updatePrecision();
  connect(m_device, &QComboBox::activated, this, [this] {
    updatePrecision();
    emit changed();
  });
  connect(m_precision, &QComboBox::activated, this, &ReplicaCard::changed);
  connect(m_remove, &QToolButton::clicked, this, &ReplicaCard::removeRequested);
  connect(&m_workspace.devices, &DeviceListModel::changed, this, [this] {
    const QString current = m_device->currentData().toString();
    fillDevices();
    setDevice(current);
    updatePrecision();
  });
}

void ReplicaCard::makeLive(int index, const QString& who) {
  m_live = new QWidget(this);
  auto* column = new QVBoxLayout(m_live);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(fontMetrics().height() / 4);
  m_state = new QLabel(m_live);
  m_state->setObjectName(QStringLiteral("replica_state_%1").arg(index));
  m_state->setWordWrap(true);
  column->addWidget(m_state);
  auto* row = new QHBoxLayout;
  const auto button = [&](const char* name, const QString& text, const QString& help) {
    auto* made = new QPushButton(text, m_live);
    made->setObjectName(QStringLiteral("replica_%1_%2").arg(QLatin1String(name)).arg(index));
    made->setAccessibleName(tr("%1: %2").arg(text, who));
    made->setToolTip(help);
    row->addWidget(made);
    return made;
  };
  m_addNow = button("add_now", tr("Add now"), tr("Compiles this replica beside the run, which then uses it too"));
  m_applyNow = button("apply_now", tr("Apply change now"),
                      tr("Compiles the replica as it is set here, then puts it in the place of the one that runs"));
  m_removeNow =
      button("remove_now", tr("Remove now"), tr("Takes no more requests, finishes those it has, and frees its memory"));
  row->addStretch();
  column->addLayout(row);
  connect(m_addNow, &QPushButton::clicked, this, &ReplicaCard::addNow);
  connect(m_applyNow, &QPushButton::clicked, this, &ReplicaCard::applyNow);
  connect(m_removeNow, &QPushButton::clicked, this, &ReplicaCard::removeNow);
  m_live->hide();
}

void ReplicaCard::showLive(const LiveReplica& live) {
  const QString state = live.state.isEmpty() ? tr("not part of this run") : live.state;
  QString text = QStringLiteral("<b>%1</b>").arg(state.toHtmlEscaped());
  if (!live.note.isEmpty()) text += QStringLiteral(" – ") + live.note.toHtmlEscaped();
  m_state->setText(text);
  m_addNow->setVisible(live.add);
  m_applyNow->setVisible(live.apply);
  m_removeNow->setVisible(live.remove);
  m_live->show();
}

void ReplicaCard::hideLive() { m_live->hide(); }

QString ReplicaCard::problem() const { return m_batching->problem(); }

/// A choice that the device does not have is shown as such, and comes back with a device that has it.
void ReplicaCard::updatePrecision() {
  const auto& devices = m_workspace.devices;
  const auto* device = devices.find(m_device->currentData().toString());
  const bool can = usesPlacement() ? devices.hasFloat16() : device != nullptr && device->float16;
  m_precision->setEnabled(can);
  m_precision->setToolTip(
      !can ? tr("float16 is for OpenCL devices; this replica computes in the model's own precision")
      : usesPlacement()
          ? tr("float16 stores the weights of layers on OpenCL devices in half the memory; the report says "
               "by how much that changes the outputs")
          : tr("float16 stores weights in half the memory; the report says by how much that changes the "
               "outputs"));
}

void ReplicaCard::fillDevices() {
  m_device->clear();
  const QStringList ids = m_workspace.devices.visibleIds();
  for (int i = 0; i < ids.size(); ++i)
    m_device->addItem(deviceIcon(i, ids[i], palette()), deviceLabel(*m_workspace.devices.find(ids[i])), ids[i]);
  m_device->addItem(icon(QStringLiteral("layers")), tr("Current placement (layers split)"), QString());
}

void ReplicaCard::setDevice(const QString& device) {
  int index = m_device->findData(device);
  if (index < 0) {
    // A device that is gone stays visible as such instead of silently becoming another one.
    m_device->insertItem(0, tr("%1 (not there)").arg(device), device);
    index = 0;
  }
  m_device->setCurrentIndex(index);
}

bool ReplicaCard::usesPlacement() const { return m_device->currentData().toString().isEmpty(); }

session::ReplicaSpec ReplicaCard::spec() const {
  session::ReplicaSpec spec;
  spec.name = m_spec.name;
  if (usesPlacement())
    spec.placement = m_workspace.document.placement();
  else
    spec.device = m_device->currentData().toString().toStdString();
  spec.threads = m_threads->value();
  spec.streams = m_streams->value();
  spec.batch = m_batch->value();
  m_batching->writeTo(spec);
  if (m_precision->isEnabled()) spec.precision = m_precision->currentData().toString().toStdString();
  return spec;
}

void ReplicaCard::setRemovable(bool removable, const QString& why) {
  m_remove->setEnabled(removable);
  m_remove->setToolTip(why.isEmpty() ? tr("Remove this replica") : why);
}

} // namespace tandem::ui
