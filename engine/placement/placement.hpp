// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"
#include "engine/graph/graph.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem {

/// A compiled `match` text of a rule. One of
///   "layer1/*", "*relu*"   glob over the node's name or scope; '*' is any text ('/' too), '?' one character
///   "scope:layer1"         everything in that scope and below
///   "op:Conv"              operator type; globs allowed ("op:Reduce*")
///   "re:conv[0-9]+"        regular expression (RE2's syntax) found anywhere in the name or scope
/// Names are compared with and without the leading '/' that exporters write. Immutable, thread-safe.
class NodePattern {
 public:
  /// Fails with InputRejected for an empty text and for a regular expression that is wrong or too expensive.
  static Result<NodePattern> parse(std::string_view text);
  bool matches(const Node& node) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> m_compiled;
};

struct PlacementRule {
  std::string match; ///< as written by the user
  std::string device;
  NodePattern pattern;
};

/// The model a placement was made for; empty strings and 0 where unknown.
struct ModelIdentity {
  std::string name;
  std::string sha256; ///< lower-case hex of the file
  std::int64_t nodes = 0;
  friend bool operator==(const ModelIdentity&, const ModelIdentity&) = default;
};

enum class PlacedBy { Default, Rule, Node };

/// Where a node shall run, and what in the placement says so.
struct PlacementChoice {
  std::string_view device; ///< valid as long as the placement
  PlacedBy by = PlacedBy::Default;
  std::size_t rule = 0; ///< index into rules() where by == Rule
  /// The user said something about this node, be it by rule or by name.
  bool byUser() const { return by != PlacedBy::Default; }
};

/// What the user asks: a device for every node. An immutable value; editing gives a new one, which makes undo trivial.
/// Device ids and node names are kept as given, whether or not they exist: see computeEffective() and checkPlacement().
class Placement {
 public:
  explicit Placement(std::string defaultDevice = "CPU:0") : m_default(std::move(defaultDevice)) {}

  /// The exact node entry, else the last rule that matches, else the default.
  PlacementChoice choiceFor(const Node& node) const;
  std::string deviceFor(const Node& node) const { return std::string(choiceFor(node).device); }

  const std::string& defaultDevice() const { return m_default; }
  const std::vector<PlacementRule>& rules() const { return m_rules; }
  const std::map<std::string, std::string, std::less<>>& nodes() const { return m_nodes; }
  const ModelIdentity& model() const { return m_model; }
  /// Every device the placement names, default included; sorted, without duplicates.
  std::vector<std::string> devices() const;

  [[nodiscard]] Placement withDefault(std::string device) const;
  [[nodiscard]] Placement withModel(ModelIdentity model) const;
  [[nodiscard]] Placement withNode(std::string name, std::string device) const;
  /// {name, device} pairs; a later pair wins over an earlier one of the same name.
  [[nodiscard]] Placement withNodes(const std::vector<std::pair<std::string, std::string>>& entries) const;
  /// Forgets the exact entries of these nodes, so that rules and default apply again.
  [[nodiscard]] Placement withoutNodes(const std::vector<std::string>& names) const;
  /// Appends a rule. Fails where `match` is not valid (NodePattern::parse).
  Result<Placement> withRule(std::string match, std::string device) const;
  [[nodiscard]] Placement withoutRule(std::size_t index) const;
  /// Default device and model only.
  [[nodiscard]] Placement cleared() const;

  friend bool operator==(const Placement& a, const Placement& b);

 private:
  std::string m_default;
  std::vector<PlacementRule> m_rules;
  std::map<std::string, std::string, std::less<>> m_nodes;
  ModelIdentity m_model;
};

} // namespace tandem
