// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/placement.hpp"

#include <algorithm>
#include <set>

namespace tandem {

PlacementChoice Placement::choiceFor(const Node& node) const {
  if (auto it = m_nodes.find(node.name); it != m_nodes.end()) return {it->second, PlacedBy::Node, 0};
  for (std::size_t i = m_rules.size(); i-- > 0;)
    if (m_rules[i].pattern.matches(node)) return {m_rules[i].device, PlacedBy::Rule, i};
  return {m_default, PlacedBy::Default, 0};
}

std::vector<std::string> Placement::devices() const {
  std::set<std::string> ids{m_default};
  for (const PlacementRule& rule : m_rules) ids.insert(rule.device);
  for (const auto& [name, device] : m_nodes) ids.insert(device);
  return {ids.begin(), ids.end()};
}

Placement Placement::withDefault(std::string device) const {
  Placement copy = *this;
  copy.m_default = std::move(device);
  return copy;
}

Placement Placement::withModel(ModelIdentity model) const {
  Placement copy = *this;
  copy.m_model = std::move(model);
  return copy;
}

Placement Placement::withNode(std::string name, std::string device) const {
  Placement copy = *this;
  copy.m_nodes.insert_or_assign(std::move(name), std::move(device));
  return copy;
}

Placement Placement::withNodes(const std::vector<std::pair<std::string, std::string>>& entries) const {
  Placement copy = *this;
  for (const auto& [name, device] : entries) copy.m_nodes.insert_or_assign(name, device);
  return copy;
}

Placement Placement::withoutNodes(const std::vector<std::string>& names) const {
  Placement copy = *this;
  for (const std::string& name : names) copy.m_nodes.erase(name);
  return copy;
}

Result<Placement> Placement::withRule(std::string match, std::string device) const {
  NodePattern pattern = TANDEM_TRY(NodePattern::parse(match));
  Placement copy = *this;
  copy.m_rules.push_back({std::move(match), std::move(device), std::move(pattern)});
  return copy;
}

Placement Placement::withoutRule(std::size_t index) const {
  Placement copy = *this;
  if (index < copy.m_rules.size()) copy.m_rules.erase(copy.m_rules.begin() + static_cast<std::ptrdiff_t>(index));
  return copy;
}

Placement Placement::cleared() const { return Placement(m_default).withModel(m_model); }

bool operator==(const Placement& a, const Placement& b) {
  return a.m_default == b.m_default && a.m_nodes == b.m_nodes && a.m_model == b.m_model &&
         std::equal(
             a.m_rules.begin(), a.m_rules.end(), b.m_rules.begin(), b.m_rules.end(),
             [](const PlacementRule& x, const PlacementRule& y) { return x.match == y.match && x.device == y.device; });
}

} // namespace tandem
