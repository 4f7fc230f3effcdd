// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/layer_search.hpp"

#include "ui/core/labels.hpp"
#include "ui/models/layer_table_model.hpp"

#include <algorithm>

namespace tandem::ui {

LayerSearch::LayerSearch(DocumentModel& document, QObject* parent) : QObject(parent), m_document(document) {
  connect(&m_document, &DocumentModel::opened, this, &LayerSearch::reset);
  connect(&m_document, &DocumentModel::sizesChanged, this, &LayerSearch::reset);
  connect(&m_document, &DocumentModel::closed, this, &LayerSearch::reset);
  connect(&m_document, &DocumentModel::placementChanged, this, &LayerSearch::refresh);
  connect(&m_document, &DocumentModel::effectiveChanged, this, &LayerSearch::refresh);
  connect(&m_document, &DocumentModel::profiled, this, &LayerSearch::refresh);
}

void LayerSearch::reset() {
  m_facts.clear();
  m_placementKnown = false;
  m_accepted.clear();
  update();
}

void LayerSearch::refresh() {
  m_placementKnown = false;
  if (isActive()) update();
}

void LayerSearch::setText(const QString& text) {
  m_text = text;
  m_filter = LayerFilter(text);
  update();
}

// Names are converted once per document; devices and times only when they changed and a filter asks.
void LayerSearch::readFacts() {
  const session::Document& document = m_document.document();
  if (m_facts.size() != document.nodes.size()) {
    m_facts.assign(document.nodes.size(), {});
    for (std::size_t i = 0; i < m_facts.size(); ++i) {
      const session::NodeSummary& node = document.nodes[i];
      LayerFacts& facts = m_facts[i];
      facts.name = toQString(node.name);
      facts.op = toQString(node.op);
      facts.scope = toQString(node.scope);
      facts.type = m_document.typeOf(static_cast<int>(i));
      facts.shape = m_document.shapeOf(static_cast<int>(i)).replace(QChar(0x00d7), u'x');
      facts.bytes = static_cast<double>(node.parameterBytes + node.activationBytes);
      facts.flops = node.flops;
      facts.supported = node.known;
    }
  }
  if (m_placementKnown) return;
  for (std::size_t i = 0; i < m_facts.size(); ++i) {
    const int node = static_cast<int>(i);
    m_facts[i].requested = m_document.requestedOf(node);
    m_facts[i].effective = m_document.effectiveOf(node);
    m_facts[i].reason = m_document.reasonOf(node);
    m_facts[i].moved = !m_facts[i].reason.isEmpty();
    m_facts[i].ms = m_document.measuredMsOf(node);
    const session::LayerTime* layer = m_document.layerTimeOf(node);
    m_facts[i].share = layer != nullptr && layer->node == node ? layer->roofFraction.value_or(-1) : -1;
  }
  m_placementKnown = true;
}

void LayerSearch::update() {
  QList<int> hits;
  std::vector<char> accepted;
  if (isActive()) {
    readFacts();
    accepted.assign(m_facts.size(), 0);
    for (std::size_t i = 0; i < m_facts.size(); ++i) {
      if (!m_filter.matches(m_facts[i])) continue;
      accepted[i] = 1;
      hits.append(static_cast<int>(i));
    }
  }
  m_hits = std::move(hits);
  m_accepted = std::move(accepted);
  emit changed();
}

bool LayerSearch::accepts(int node) const {
  return !isActive() ||
         (static_cast<std::size_t>(node) < m_accepted.size() && m_accepted[static_cast<std::size_t>(node)] != 0);
}

int LayerSearch::step(int from, int direction) const {
  if (m_hits.isEmpty()) return -1;
  if (direction > 0) {
    const auto next = std::upper_bound(m_hits.begin(), m_hits.end(), from);
    return next == m_hits.end() ? m_hits.first() : *next;
  }
  const auto next = from < 0 ? m_hits.end() : std::lower_bound(m_hits.begin(), m_hits.end(), from);
  return next == m_hits.begin() ? m_hits.last() : *(next - 1);
}

LayerProxyModel::LayerProxyModel(const LayerSearch& search, QObject* parent)
    : QSortFilterProxyModel(parent),
      m_search(search) {
  setSortRole(LayerTableModel::kSortRole);
  // All at once: taking rows out one by one costs seconds where every other one goes.
  connect(&search, &LayerSearch::changed, this, [this] { invalidate(); });
}

bool LayerProxyModel::filterAcceptsRow(int row, const QModelIndex&) const { return m_search.accepts(row); }

bool LayerProxyModel::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  if (left.column() == LayerTableModel::kNumber) return left.row() < right.row();
  return QSortFilterProxyModel::lessThan(left, right);
}

} // namespace tandem::ui
