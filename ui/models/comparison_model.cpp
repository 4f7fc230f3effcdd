// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/comparison_model.hpp"

#include "ui/core/csv.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/core/units.hpp"

#include <QGuiApplication>
#include <QLocale>

namespace tandem::ui {
namespace {

using Outcome = session::ComparedFigure::Outcome;

QString figureName(const std::string& name) {
  static const std::pair<const char*, const char*> kNames[] = {
      {"items_per_s", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Throughput (items)")},
      {"latency p50", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Latency p50")},
      {"latency p95", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Latency p95")},
      {"latency p99", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Latency p99")},
      {"queueing", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Waiting, mean")},
      {"transfers", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Transfers, mean")},
      {"compute", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Computing, mean")},
      {"start-up: load", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Loading")},
      {"start-up: compile", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Compiling")},
      {"process memory", QT_TRANSLATE_NOOP("tandem::ui::ComparisonModel", "Process memory")},
  };
  for (const auto& [key, text] : kNames)
    if (name == key) return ComparisonModel::tr(text);
  return toQString(name);
}

QString valueText(const session::ComparedFigure& figure, double value) {
  if (figure.unit == "ms") return formatMs(value);
  if (figure.unit == "bytes") return formatBytes(value);
  return formatRate(value);
}

QString ratioText(double ratio) { return QLocale().toString(ratio, 'f', ratio < 10 ? 2 : 1); }

} // namespace

void ComparisonModel::setComparison(const session::Comparison& comparison) {
  beginResetModel();
  m_comparison = comparison;
  endResetModel();
}

int ComparisonModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_comparison.figures.size());
}

int ComparisonModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant ComparisonModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const session::ComparedFigure& figure = m_comparison.figures[static_cast<std::size_t>(index.row())];
  const int column = index.column();
  if (role == Qt::TextAlignmentRole && column >= kA && column != kFinding)
    return int(Qt::AlignRight | Qt::AlignVCenter);
  if (role == Qt::ForegroundRole && column == kFinding) {
    const Theme theme = Theme::of(QGuiApplication::palette());
    switch (figure.outcome) {
    case Outcome::Better: return theme.success;
    case Outcome::Worse: return theme.problem;
    default: return theme.mutedText;
    }
  }
  if (role == Qt::ToolTipRole && column == kConfidence && figure.low)
    return tr("B divided by A lies there with 95 % confidence, by the scatter within the runs");
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole) return {};
  switch (column) {
  case kFigure: return figureName(figure.name);
  case kA: return valueText(figure, figure.a);
  case kB: return valueText(figure, figure.b);
  case kRatio: return figure.ratio > 0 ? ratioText(figure.ratio) : QStringLiteral("–");
  case kConfidence:
    return figure.low && figure.high ? tr("%1 to %2").arg(ratioText(*figure.low), ratioText(*figure.high))
                                     : QStringLiteral("–");
  case kFinding:
    switch (figure.outcome) {
    case Outcome::Better: return tr("▲ better");
    case Outcome::Worse: return tr("▼ worse");
    case Outcome::WithinNoise: return tr("within noise");
    case Outcome::Unknown: return toQString(figure.why);
    }
    return {};
  default: return {};
  }
}

QVariant ComparisonModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role == Qt::TextAlignmentRole && orientation == Qt::Horizontal && section >= kA && section != kFinding)
    return int(Qt::AlignRight | Qt::AlignVCenter);
  if (role != Qt::DisplayRole || orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
  static const char* const kTitles[] = {QT_TR_NOOP("Figure"), QT_TR_NOOP("A"),       QT_TR_NOOP("B"),
                                        QT_TR_NOOP("B / A"),  QT_TR_NOOP("Finding"), QT_TR_NOOP("95 % confidence")};
  return tr(kTitles[section]);
}

QString ComparisonModel::csv() const {
  QString text = QStringLiteral("figure,unit,a,b,ratio,low,high,outcome,why\n");
  const auto number = [](double value) { return QString::number(value, 'g', 12); };
  for (const session::ComparedFigure& figure : m_comparison.figures) {
    const QStringList fields{toQString(figure.name),
                             toQString(figure.unit),
                             number(figure.a),
                             number(figure.b),
                             figure.ratio > 0 ? number(figure.ratio) : QString(),
                             figure.low ? number(*figure.low) : QString(),
                             figure.high ? number(*figure.high) : QString(),
                             toQString(std::string(session::toString(figure.outcome))),
                             toQString(figure.why)};
    QStringList quoted;
    for (const QString& field : fields) quoted << csvField(field);
    text += quoted.join(QLatin1Char(',')) + QLatin1Char('\n');
  }
  return text;
}

} // namespace tandem::ui
