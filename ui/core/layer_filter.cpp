// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/layer_filter.hpp"

#include <QCoreApplication>
#include <QHash>

#include <algorithm>
#include <array>

namespace tandem::ui {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("LayerFilter", text); }

// PCRE gives up after so many steps: a badly written expression costs microseconds a layer, not minutes.
constexpr const char* kMatchLimit = "(*LIMIT_MATCH=20000)";

bool isAsciiLetter(QChar c) { return (c >= u'a' && c <= u'z') || (c >= u'A' && c <= u'Z'); }

// "GPU:1" is no beginning of "GPU:10", nor "layer1" of "layer12".
bool beginsAt(const QString& text, qsizetype from, const QString& part) {
  if (!QStringView(text).mid(from).startsWith(part, Qt::CaseInsensitive)) return false;
  const qsizetype end = from + part.size();
  return part.isEmpty() || end >= text.size() || !part.back().isDigit() || !text[end].isDigit();
}

bool hasScopePart(const QString& scope, const QString& part) {
  if (beginsAt(scope, 0, part)) return true;
  for (qsizetype i = 0; i < scope.size(); ++i)
    if ((scope[i] == u'/' || scope[i] == u'.') && beginsAt(scope, i + 1, part)) return true;
  return false;
}

struct UnitFactor {
  const char* name;
  double factor;
};

constexpr std::array<UnitFactor, 7> kTimeUnits = {
    {{"ns", 1e-6}, {"us", 1e-3}, {"\xc2\xb5s", 1e-3}, {"\xce\xbcs", 1e-3}, {"ms", 1}, {"s", 1e3}, {"min", 6e4}}};
constexpr std::array<UnitFactor, 14> kByteUnits = {{{"", 1},
                                                    {"b", 1},
                                                    {"k", 1e3},
                                                    {"kb", 1e3},
                                                    {"m", 1e6},
                                                    {"mb", 1e6},
                                                    {"g", 1e9},
                                                    {"gb", 1e9},
                                                    {"kib", 1024.0},
                                                    {"mib", 1048576.0},
                                                    {"gib", 1073741824.0},
                                                    {"t", 1e12},
                                                    {"tb", 1e12},
                                                    {"tib", 1099511627776.0}}};
constexpr std::array<UnitFactor, 2> kShareUnits = {{{"", 1}, {"%", 0.01}}};
constexpr std::array<UnitFactor, 5> kCountUnits = {{{"", 1}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"t", 1e12}}};

template <std::size_t N> std::optional<double> factorOf(const std::array<UnitFactor, N>& units, const QString& unit) {
  for (const UnitFactor& each : units)
    if (unit.compare(QString::fromUtf8(each.name), Qt::CaseInsensitive) == 0) return each.factor;
  return std::nullopt;
}

} // namespace

/// Reads terms from left to right; every one ends at a space outside quotes and slashes.
class FilterParser {
 public:
  FilterParser(const QString& text, LayerFilter& filter) : m_text(text), m_filter(filter) {}

  void run() {
    while (skipSpaces()) term();
  }

 private:
  using Field = LayerFilter::Field;
  using Relation = LayerFilter::Relation;

  [[nodiscard]] bool atEnd() const { return m_at >= m_text.size(); }
  [[nodiscard]] bool atBreak() const { return atEnd() || m_text[m_at].isSpace(); }
  bool skipSpaces() {
    while (!atEnd() && m_text[m_at].isSpace()) ++m_at;
    return !atEnd();
  }
  void fail(const QString& message, qsizetype from) {
    if (!m_filter.m_error) m_filter.m_error = FilterError{message, from, std::max<qsizetype>(m_at - from, 1)};
  }
  QString bare() {
    const qsizetype from = m_at;
    while (!atBreak()) ++m_at;
    return m_text.mid(from, m_at - from);
  }

  void term() {
    const qsizetype from = m_at;
    LayerFilter::Term term;
    term.negated = m_text[m_at] == u'-';
    if (term.negated) {
      ++m_at;
      if (atBreak()) return fail(tr("Nothing follows the minus. It turns a term round: -op:Conv"), from);
    }
    qsizetype end = m_at;
    while (end < m_text.size() && isAsciiLetter(m_text[end])) ++end;
    const QString key = m_text.mid(m_at, end - m_at).toLower();
    const QChar next = end < m_text.size() ? m_text[end] : QChar();
    bool good = false;
    if (!key.isEmpty() && next == u':')
      good = keyed(term, key, end, from);
    else if (!key.isEmpty() && (next == u'<' || next == u'>' || next == u'='))
      good = compared(term, key, end, from);
    else
      good = value(term, from) && flag(term);
    if (good) m_filter.m_terms.append(term);
  }

  // "moved" and "unsupported" are no words to look for, unless quoted.
  bool flag(LayerFilter::Term& term) const {
    if (term.regex || m_text[m_at - 1] == u'"') return true;
    if (term.text.compare(QLatin1String("moved"), Qt::CaseInsensitive) == 0) term.field = Field::Moved;
    if (term.text.compare(QLatin1String("unsupported"), Qt::CaseInsensitive) == 0) term.field = Field::Unsupported;
    return true;
  }

  bool keyed(LayerFilter::Term& term, const QString& key, qsizetype colon, qsizetype from) {
    static const QHash<QString, Field> kFields = {
        {QStringLiteral("op"), Field::Operator},      {QStringLiteral("dev"), Field::Effective},
        {QStringLiteral("device"), Field::Effective}, {QStringLiteral("req"), Field::Requested},
        {QStringLiteral("type"), Field::Type},        {QStringLiteral("scope"), Field::Scope},
        {QStringLiteral("shape"), Field::Shape},      {QStringLiteral("reason"), Field::Reason}};
    const auto field = kFields.constFind(key);
    if (field == kFields.constEnd()) {
      if (colon + 1 >= m_text.size() || m_text[colon + 1].isSpace()) {
        if (key == QLatin1String("moved") || key == QLatin1String("unsupported")) {
          m_at = colon + 1;
          term.field = key == QLatin1String("moved") ? Field::Moved : Field::Unsupported;
          return true;
        }
      }
      const QString word = bare();
      fail(tr("There is no filter \"%1:\". There are op: dev: req: type: scope: shape: reason: t> mem> "
              "flops> peak> moved unsupported. "
              "To find the text itself, put it in quotes: \"%2\"")
               .arg(key, word),
           from);
      return false;
    }
    m_at = colon + 1;
    if (atBreak()) {
      fail(tr("%1: needs a value, such as %2").arg(key, exampleOf(*field)), from);
      return false;
    }
    term.field = *field;
    return value(term, from);
  }

  static QString exampleOf(Field field) {
    switch (field) {
    case Field::Operator: return QStringLiteral("op:Conv");
    case Field::Effective: return QStringLiteral("dev:CPU:0");
    case Field::Requested: return QStringLiteral("req:CPU:0");
    case Field::Type: return QStringLiteral("type:float16");
    case Field::Shape: return QStringLiteral("shape:56x56");
    case Field::Reason: return QStringLiteral("reason:unsupported");
    default: return QStringLiteral("scope:encoder");
    }
  }

  // A quoted text, an expression between slashes, or all up to the next space.
  bool value(LayerFilter::Term& term, qsizetype from) {
    if (m_text[m_at] == u'"') return quotedText(term, from);
    if (m_text[m_at] == u'/') {
      // Names begin with slashes, too: an expression is only what a slash closes.
      for (qsizetype i = m_at + 1; i < m_text.size(); ++i) {
        if (m_text[i] == u'\\') {
          ++i;
          continue;
        }
        const bool closes = m_text[i] == u'/' && (i + 1 == m_text.size() || m_text[i + 1].isSpace());
        if (closes && i > m_at + 1) return expression(term, i);
      }
    }
    term.text = bare();
    return true;
  }

  bool quotedText(LayerFilter::Term& term, qsizetype from) {
    const qsizetype open = m_at++;
    const qsizetype close = m_text.indexOf(u'"', m_at);
    if (close < 0) {
      m_at = m_text.size();
      fail(tr("The quote that opens here is not closed."), open);
      return false;
    }
    term.text = m_text.mid(m_at, close - m_at);
    m_at = close + 1;
    if (!term.text.isEmpty()) return true;
    fail(tr("There is nothing between the quotes."), from);
    return false;
  }

  bool expression(LayerFilter::Term& term, qsizetype close) {
    const qsizetype open = m_at;
    const QString pattern = m_text.mid(open + 1, close - open - 1);
    m_at = close + 1;
    const QRegularExpression raw(pattern);
    if (!raw.isValid()) {
      const qsizetype where = open + 1 + std::max<qsizetype>(raw.patternErrorOffset(), 0);
      fail(tr("This regular expression is wrong: %1.").arg(raw.errorString()), std::min(where, close));
      m_filter.m_error->length = 1;
      return false;
    }
    term.regex = QRegularExpression(QLatin1String(kMatchLimit) + pattern, QRegularExpression::CaseInsensitiveOption);
    // A pattern with its own limit or "(*" verbs in front may not take ours.
    if (!term.regex->isValid()) term.regex = QRegularExpression(pattern, QRegularExpression::CaseInsensitiveOption);
    return true;
  }

  bool compared(LayerFilter::Term& term, const QString& key, qsizetype sign, qsizetype from) {
    static const QHash<QString, Field> kFields = {
        {QStringLiteral("t"), Field::Time},      {QStringLiteral("time"), Field::Time},
        {QStringLiteral("mem"), Field::Memory},  {QStringLiteral("memory"), Field::Memory},
        {QStringLiteral("flops"), Field::Flops}, {QStringLiteral("flop"), Field::Flops},
        {QStringLiteral("peak"), Field::Share}};
    const auto field = kFields.constFind(key);
    const QString word = bare();
    const qsizetype end = m_at;
    if (field == kFields.constEnd()) {
      fail(tr("\"%1\" cannot be compared. Numbers are t, mem, flops and peak: t>1ms").arg(key), from);
      return false;
    }
    m_at = sign;
    QString relation;
    while (m_at < end && (m_text[m_at] == u'<' || m_text[m_at] == u'>' || m_text[m_at] == u'='))
      relation += m_text[m_at++];
    const QString amount = m_text.mid(m_at, end - m_at);
    const qsizetype amountAt = m_at;
    m_at = end;
    static const QHash<QString, Relation> kRelations = {{QStringLiteral(">"), Relation::Above},
                                                        {QStringLiteral(">="), Relation::AtLeast},
                                                        {QStringLiteral("<"), Relation::Below},
                                                        {QStringLiteral("<="), Relation::AtMost}};
    const auto known = kRelations.constFind(relation);
    if (known == kRelations.constEnd()) {
      fail(tr("\"%1\" does not compare. Use > >= < or <=: %2>=1").arg(relation, key), from);
      return false;
    }
    term.field = *field;
    term.relation = *known;
    return amountOf(term, amount, amountAt, key);
  }

  bool amountOf(LayerFilter::Term& term, const QString& amount, qsizetype at, const QString& key) {
    qsizetype digits = 0;
    while (digits < amount.size() && (amount[digits].isDigit() || amount[digits] == u'.')) ++digits;
    bool isNumber = false;
    const double number = amount.left(digits).toDouble(&isNumber);
    if (!isNumber) {
      fail(tr("A number is missing here, such as %1").arg(numberExample(term.field, key)), at);
      return false;
    }
    const QString unit = amount.mid(digits);
    const auto factor = term.field == Field::Time     ? factorOf(kTimeUnits, unit)
                        : term.field == Field::Memory ? factorOf(kByteUnits, unit)
                        : term.field == Field::Share  ? factorOf(kShareUnits, unit)
                                                      : factorOf(kCountUnits, unit);
    if (!factor) {
      const QString units = term.field == Field::Time     ? QStringLiteral("us, ms, s")
                            : term.field == Field::Memory ? QStringLiteral("B, KB, MB, GB, KiB, MiB, GiB")
                            : term.field == Field::Share  ? QStringLiteral("%")
                                                          : QStringLiteral("K, M, G, T");
      fail(unit.isEmpty() ? tr("The unit is missing: %1").arg(units)
                          : tr("\"%1\" is no unit here. Units are %2").arg(unit, units),
           unit.isEmpty() ? at : at + digits);
      return false;
    }
    term.number = number * *factor;
    return true;
  }

  static QString numberExample(Field field, const QString& key) {
    return key + (field == Field::Time     ? QStringLiteral(">1ms")
                  : field == Field::Memory ? QStringLiteral(">1MB")
                  : field == Field::Share  ? QStringLiteral("<50%")
                                           : QStringLiteral(">1M"));
  }

  const QString& m_text;
  LayerFilter& m_filter;
  qsizetype m_at = 0;
};

LayerFilter::LayerFilter(const QString& text) { FilterParser(text, *this).run(); }

bool LayerFilter::asksForTime() const {
  return std::any_of(m_terms.begin(), m_terms.end(),
                     [](const Term& term) { return term.field == Field::Time || term.field == Field::Share; });
}

bool LayerFilter::matches(const Term& term, const LayerFacts& layer) {
  const auto text = [&](const QString& value) {
    return term.regex ? term.regex->match(value).hasMatch() : beginsAt(value, 0, term.text);
  };
  const auto inside = [&](const QString& value) {
    return term.regex ? term.regex->match(value).hasMatch() : value.contains(term.text, Qt::CaseInsensitive);
  };
  const auto number = [&](double value) {
    switch (term.relation) {
    case Relation::Above: return value > term.number;
    case Relation::AtLeast: return value >= term.number;
    case Relation::Below: return value < term.number;
    case Relation::AtMost: return value <= term.number;
    }
    return false;
  };
  switch (term.field) {
  case Field::Operator: return text(layer.op);
  case Field::Effective: return text(layer.effective.isEmpty() ? layer.requested : layer.effective);
  case Field::Requested: return text(layer.requested);
  case Field::Type: return text(layer.type);
  case Field::Scope:
    return term.regex ? term.regex->match(layer.scope).hasMatch() : hasScopePart(layer.scope, term.text);
  case Field::Shape: return inside(layer.shape);
  case Field::Reason: return inside(layer.reason);
  case Field::Share: return layer.share >= 0 && number(layer.share);
  case Field::Time: return layer.ms >= 0 && number(layer.ms);
  case Field::Memory: return number(layer.bytes);
  case Field::Flops: return number(layer.flops);
  case Field::Moved: return layer.moved;
  case Field::Unsupported: return !layer.supported;
  case Field::Any: break;
  }
  if (term.regex) return term.regex->match(layer.name).hasMatch() || term.regex->match(layer.op).hasMatch();
  return layer.name.contains(term.text, Qt::CaseInsensitive) || layer.op.contains(term.text, Qt::CaseInsensitive) ||
         layer.scope.contains(term.text, Qt::CaseInsensitive);
}

bool LayerFilter::matches(const LayerFacts& layer) const {
  return std::all_of(m_terms.begin(), m_terms.end(),
                     [&](const Term& term) { return matches(term, layer) != term.negated; });
}

QList<FilterHint> LayerFilter::hints() {
  return {{QStringLiteral("op:"), QStringLiteral("op:Conv"), tr("operator")},
          {QStringLiteral("dev:"), QStringLiteral("dev:CPU:0"), tr("device that it runs on")},
          {QStringLiteral("req:"), QStringLiteral("req:CPU:0"), tr("device that was asked for")},
          {QStringLiteral("type:"), QStringLiteral("type:float16"), tr("data type of the output")},
          {QStringLiteral("scope:"), QStringLiteral("scope:encoder"), tr("group it is in")},
          {QStringLiteral("shape:"), QStringLiteral("shape:56x56"), tr("part of the output's shape")},
          {QStringLiteral("reason:"), QStringLiteral("reason:unsupported"), tr("why it runs elsewhere")},
          {QStringLiteral("t>"), QStringLiteral("t>1ms"), tr("measured time; us, ms, s")},
          {QStringLiteral("mem>"), QStringLiteral("mem>1MB"), tr("parameters and activations; KB, MB, KiB, MiB")},
          {QStringLiteral("flops>"), QStringLiteral("flops>1M"), tr("work; K, M, G")},
          {QStringLiteral("peak<"), QStringLiteral("peak<50%"), tr("share of what the device can do at most")},
          {QStringLiteral("moved"), QStringLiteral("moved"), tr("runs elsewhere than asked")},
          {QStringLiteral("unsupported"), QStringLiteral("unsupported"), tr("no device can run it")},
          {QStringLiteral("/"), QStringLiteral("/conv[0-9]+$/"), tr("regular expression on name and operator")},
          {QStringLiteral("-"), QStringLiteral("-op:Conv"), tr("all that do not match the term")},
          {QStringLiteral("\""), QStringLiteral("\"two words\""), tr("a text with spaces or colons")}};
}

} // namespace tandem::ui
