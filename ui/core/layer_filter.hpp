// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QRegularExpression>
#include <QString>

#include <optional>

namespace tandem::ui {

/// What a filter looks at of one layer.
struct LayerFacts {
  QString name, op, scope;
  QString type;  ///< of the first output, "float32"
  QString shape; ///< of the first output, "1x64x56x56"
  QString requested, effective, reason;
  double ms = -1;    ///< measured time; negative where none was measured
  double share = -1; ///< of what the device can do at most; negative where not measured
  double bytes = 0, flops = 0;
  bool moved = false; ///< runs elsewhere than asked
  bool supported = true;
};

/// What is wrong with a filter, and where in its text.
struct FilterError {
  QString message;
  qsizetype position = 0, length = 0;
};

/// What may be written in a filter, for lists of choices.
struct FilterHint {
  QString text;    ///< "op:"
  QString example; ///< "op:Conv"
  QString meaning;
};

/// What a text like `fire2 op:Conv -dev:GPU:0 t>1ms` asks for. All terms must match; a minus before a term turns it
/// round. Words look in name, operator and scope; `/regular expression/` in name and operator; op:, dev:, req: and
/// type: compare the beginning, scope: the beginning of a part of the scope; each of them takes a regular expression,
/// too. shape: and reason: look inside.
/// t, mem, flops and peak compare numbers with > >= < <=. Quotes hold a text together. Case does not matter.
/// A wrong term is left out and told by error(); the others still count. A value; immutable after construction.
class LayerFilter {
 public:
  LayerFilter() = default;
  explicit LayerFilter(const QString& text);
  [[nodiscard]] bool isEmpty() const { return m_terms.isEmpty(); }
  /// The first thing that is wrong.
  [[nodiscard]] const std::optional<FilterError>& error() const { return m_error; }
  /// Asks for measured times, which there may be none of.
  [[nodiscard]] bool asksForTime() const;
  [[nodiscard]] bool matches(const LayerFacts& layer) const;

  [[nodiscard]] static QList<FilterHint> hints();

 private:
  friend class FilterParser;
  enum class Field {
    Any,
    Operator,
    Effective,
    Requested,
    Type,
    Scope,
    Shape,
    Reason,
    Time,
    Memory,
    Flops,
    Share,
    Moved,
    Unsupported
  };
  enum class Relation { Above, AtLeast, Below, AtMost };
  struct Term {
    Field field = Field::Any;
    bool negated = false;
    QString text;
    std::optional<QRegularExpression> regex;
    Relation relation = Relation::Above;
    double number = 0;
  };
  [[nodiscard]] static bool matches(const Term& term, const LayerFacts& layer);
  QList<Term> m_terms;
  std::optional<FilterError> m_error;
};

} // namespace tandem::ui
