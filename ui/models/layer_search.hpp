// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/document_model.hpp"
#include "ui/core/layer_filter.hpp"

#include <QSortFilterProxyModel>

#include <vector>

namespace tandem::ui {

/// The filter that canvas and table share, and the layers of the open document that match it. Follows the placement and
/// measurements. UI thread only.
class LayerSearch : public QObject {
  Q_OBJECT
 public:
  explicit LayerSearch(DocumentModel& document, QObject* parent = nullptr);

  void setText(const QString& text);
  [[nodiscard]] const QString& text() const { return m_text; }
  /// False: all layers are shown, there are no hits.
  [[nodiscard]] bool isActive() const { return !m_filter.isEmpty(); }
  [[nodiscard]] const LayerFilter& filter() const { return m_filter; }
  [[nodiscard]] const QList<int>& hits() const { return m_hits; } ///< ascending
  [[nodiscard]] bool accepts(int node) const;
  /// The hit after (1) or before (-1) a layer, round the end; -1 where there is none. `from` -1: the first or last.
  [[nodiscard]] int step(int from, int direction) const;

 signals:
  void changed(); ///< the filter or what it matches

 private:
  void reset();
  void refresh(); ///< placement or times changed
  void update();
  void readFacts();

  DocumentModel& m_document;
  QString m_text;
  LayerFilter m_filter;
  std::vector<LayerFacts> m_facts;
  bool m_placementKnown = false; ///< m_facts hold the current devices and times
  QList<int> m_hits;
  std::vector<char> m_accepted;
};

/// The layer table: sorted by value (not by text) and filtered by the search.
class LayerProxyModel : public QSortFilterProxyModel {
  Q_OBJECT
 public:
  explicit LayerProxyModel(const LayerSearch& search, QObject* parent = nullptr);

 protected:
  [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override;
  [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

 private:
  const LayerSearch& m_search;
};

} // namespace tandem::ui
