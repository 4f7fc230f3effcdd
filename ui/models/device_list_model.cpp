// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/device_list_model.hpp"

#include "ui/core/labels.hpp"

#include <algorithm>

namespace tandem::ui {

DeviceListModel::DeviceListModel(EngineBridge& engine, QObject* parent) : QAbstractListModel(parent), m_engine(engine) {
  connect(&m_engine, &EngineBridge::workerReady, this, [this] { reload(); });
}

QStringList DeviceListModel::visibleIds() const {
  QStringList ids;
  for (const auto& device : m_list.devices) {
    if (device.visible) ids << toQString(device.id);
  }
  return ids;
}

int DeviceListModel::numberOf(const QString& id) const { return static_cast<int>(visibleIds().indexOf(id)); }

const session::DeviceSummary* DeviceListModel::find(const QString& id) const {
  const auto found = std::find_if(m_list.devices.begin(), m_list.devices.end(),
                                  [&](const auto& device) { return toQString(device.id) == id; });
  return found == m_list.devices.end() ? nullptr : &*found;
}

QString DeviceListModel::accelerator() const {
  for (const auto& device : m_list.devices) {
    if (device.visible && device.kind != "cpu") return toQString(device.id);
  }
  return {};
}

bool DeviceListModel::hasFloat16() const {
  return std::any_of(m_list.devices.begin(), m_list.devices.end(),
                     [](const session::DeviceSummary& device) { return device.visible && device.float16; });
}

QString DeviceListModel::cpu() const {
  for (const auto& device : m_list.devices) {
    if (device.visible && device.kind == "cpu") return toQString(device.id);
  }
  return QStringLiteral("CPU:0");
}

void DeviceListModel::take(const Result<session::DeviceList>& list) {
  m_loading = 0;
  m_probing = false;
  if (list.ok()) {
    beginResetModel();
    m_list = *list;
    m_error.reset();
    endResetModel();
  } else {
    m_error = list.error();
    if (list.error().code != ErrorCode::WorkerLost && list.error().code != ErrorCode::Cancelled)
      emit failed(list.error());
  }
  emit changed();
}

void DeviceListModel::reload() {
  m_loading = 1;
  emit changed();
  const auto done = [this](const Result<session::DeviceList>& list) { take(list); };
  if (m_engine.config() == EngineConfig())
    m_engine.devices(false, done);
  else
    m_engine.configure(m_engine.config(), done);
}

void DeviceListModel::probe() {
  m_loading = 1;
  m_probing = true;
  emit changed();
  m_engine.devices(true, [this](const Result<session::DeviceList>& list) { take(list); });
}

void DeviceListModel::refresh() {
  if (m_loading > 0) return; // an answer is on its way
  m_engine.devices(false, [this](const Result<session::DeviceList>& list) { take(list); });
}

void DeviceListModel::apply(const EngineConfig& config) {
  if (config == m_engine.config()) return;
  const EngineConfig before = m_engine.config();
  m_loading = 1;
  emit changed();
  m_engine.configure(config, [this, before, config](const Result<session::DeviceList>& list) {
    take(list);
    if (list.ok()) {
      emit configChanged(config);
    } else if (list.error().code != ErrorCode::WorkerLost) {
      // Keep what worked for the next worker.
      m_engine.configure(before, [this](const Result<session::DeviceList>& old) { take(old); });
    }
  });
}

void DeviceListModel::setHidden(const QString& id, bool hidden) {
  EngineConfig config = m_engine.config();
  config.hidden.removeAll(id);
  if (hidden) config.hidden << id;
  apply(config);
}

void DeviceListModel::setMemoryLimit(const QString& id, std::optional<qint64> bytes) {
  EngineConfig config = m_engine.config();
  if (bytes)
    config.memoryLimits[id] = *bytes;
  else
    config.memoryLimits.erase(id);
  apply(config);
}

void DeviceListModel::setCores(const QString& cores) {
  EngineConfig config = m_engine.config();
  config.cores = cores.simplified().remove(QLatin1Char(' '));
  apply(config);
}

int DeviceListModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_list.devices.size());
}

QVariant DeviceListModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const auto& device = m_list.devices[static_cast<std::size_t>(index.row())];
  if (role == Qt::DisplayRole) return deviceLabel(device);
  if (role == kIdRole) return toQString(device.id);
  if (role == kVisibleRole) return device.visible;
  return {};
}

} // namespace tandem::ui
