// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/engine_bridge.hpp"

#include <QAbstractListModel>
#include <QIcon>

#include <optional>

namespace tandem::ui {

/// The devices in display order, hidden ones included. The position among the visible ones is the device's number: it
/// picks the colour, and number key n assigns device n - 1.
class DeviceListModel : public QAbstractListModel {
  Q_OBJECT
 public:
  enum Role { kIdRole = Qt::UserRole + 1, kVisibleRole };

  explicit DeviceListModel(EngineBridge& engine, QObject* parent = nullptr);

  [[nodiscard]] bool isLoading() const { return m_loading > 0; }
  [[nodiscard]] bool isProbing() const { return m_probing; }
  [[nodiscard]] const session::DeviceList& list() const { return m_list; }
  [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
  [[nodiscard]] QStringList visibleIds() const;
  /// Number of a visible device from 0, or -1.
  [[nodiscard]] int numberOf(const QString& id) const;
  [[nodiscard]] const session::DeviceSummary* find(const QString& id) const;
  /// The first visible device that is not a native CPU, or empty.
  [[nodiscard]] QString accelerator() const;
  /// True where a visible device can store weights in float16.
  [[nodiscard]] bool hasFloat16() const;
  /// The first visible native CPU, or "CPU:0".
  [[nodiscard]] QString cpu() const;

  /// Asks a worker for its devices (after a start or a restart).
  void reload();
  void probe();
  /// Asks again for the same devices: something was measured.
  void refresh();
  void setHidden(const QString& id, bool hidden);
  void setMemoryLimit(const QString& id, std::optional<qint64> bytes);
  void setCores(const QString& cores);

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;

 signals:
  void changed(); ///< list, loading state or error
  void configChanged(const tandem::ui::EngineConfig& config);
  void failed(const tandem::Error& error);

 private:
  void apply(const EngineConfig& config);
  void take(const Result<session::DeviceList>& list);
  EngineBridge& m_engine;
  session::DeviceList m_list;
  std::optional<Error> m_error;
  int m_loading = 0;
  bool m_probing = false;
};

} // namespace tandem::ui
