// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/parity_model.hpp"

#include "ui/core/csv.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"

#include <QBrush>
#include <QGuiApplication>
#include <QLocale>

#include <cmath>
#include <limits>

namespace tandem::ui {
namespace {

constexpr double kLeastDecade = -6, kMostDecade = 3;

QString shortNumber(double value) {
  if (std::isnan(value)) return QStringLiteral("NaN");
  if (std::isinf(value)) return value > 0 ? QStringLiteral("∞") : QStringLiteral("-∞");
  return value == 0 ? QStringLiteral("0") : QLocale().toString(value, 'e', 1);
}

QString figuresText(const session::ParityFigures& figures) {
  if (!figures.problem.empty()) return toQString(figures.problem);
  QString text =
      ParityModel::tr("%1 elements: max abs %2, max rel %3, rms %4, cosine %5")
          .arg(QLocale().toString(static_cast<qlonglong>(figures.elements)), shortNumber(figures.maxAbs),
               shortNumber(figures.maxRel), shortNumber(figures.rms), QLocale().toString(figures.cosine, 'f', 6));
  if (figures.worstIndex >= 0)
    text += ParityModel::tr("\nworst at %1: A %2, B %3")
                .arg(QLocale().toString(static_cast<qlonglong>(figures.worstIndex)), shortNumber(figures.worstA),
                     shortNumber(figures.worstB));
  if (figures.special > 0)
    text += ParityModel::tr("\n%1 NaN or infinite on one side only")
                .arg(QLocale().toString(static_cast<qlonglong>(figures.special)));
  return text;
}

} // namespace

double errorFraction(double multiple) {
  if (!(multiple > 0)) return 0;
  if (std::isinf(multiple)) return 1;
  return std::clamp((std::log10(multiple) - kLeastDecade) / (kMostDecade - kLeastDecade), 0.0, 1.0);
}

void ParityModel::setParity(const session::Parity& parity) {
  beginResetModel();
  m_parity = parity;
  m_rowOf.clear();
  for (std::size_t row = 0; row < m_parity.layers.size(); ++row) {
    const int node = m_parity.layers[row].node;
    if (node < 0) continue;
    if (m_rowOf.size() <= static_cast<std::size_t>(node)) m_rowOf.resize(static_cast<std::size_t>(node) + 1, -1);
    m_rowOf[static_cast<std::size_t>(node)] = static_cast<int>(row);
  }
  endResetModel();
}

void ParityModel::clear() { setParity({}); }

int ParityModel::rowOf(int node) const {
  return node >= 0 && static_cast<std::size_t>(node) < m_rowOf.size() ? m_rowOf[static_cast<std::size_t>(node)] : -1;
}

int ParityModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_parity.layers.size());
}
int ParityModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QString ParityModel::text(const session::ParityLayer& layer, int column) const {
  const bool bare = !layer.note.empty();
  const auto number = [&](double value) { return bare ? QStringLiteral("–") : shortNumber(value); };
  switch (column) {
  case kLayer: return toQString(layer.name);
  case kOperator: return toQString(layer.op);
  case kDeviceA: return toQString(layer.deviceA);
  case kDeviceB: return toQString(layer.deviceB);
  case kLocalError: return number(layer.local.worst);
  case kLocalAbs: return number(layer.local.maxAbs);
  case kLocalRms: return number(layer.local.relativeRms);
  case kTotalError: return number(layer.accumulated.worst);
  case kTotalAbs: return number(layer.accumulated.maxAbs);
  case kRemark: {
    if (bare) return toQString(layer.note);
    const auto& telling = layer.local.worst > 1 ? layer.local : layer.accumulated;
    if (!telling.problem.empty()) return toQString(telling.problem);
    if (telling.special > 0) return tr("%n NaN or infinite on one side", nullptr, static_cast<int>(telling.special));
    if (!layer.over) return {};
    return tr("%1 of %2 elements over the tolerance")
        .arg(QLocale().toString(static_cast<qlonglong>(telling.over)),
             QLocale().toString(static_cast<qlonglong>(telling.elements)));
  }
  default: return {};
  }
}

QString ParityModel::toolTip(const session::ParityLayer& layer, int column) const {
  switch (column) {
  case kDeviceA: return toQString(layer.deviceA + "  " + layer.kernelA);
  case kDeviceB: return toQString(layer.deviceB + "  " + layer.kernelB);
  case kLocalError:
  case kLocalAbs:
  case kLocalRms: return layer.note.empty() ? figuresText(layer.local) : toQString(layer.note);
  case kTotalError:
  case kTotalAbs: return layer.note.empty() ? figuresText(layer.accumulated) : toQString(layer.note);
  default: return text(layer, column);
  }
}

QVariant ParityModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const auto& layer = m_parity.layers[static_cast<std::size_t>(index.row())];
  const int column = index.column();
  const bool isNumber = column >= kLocalError && column <= kTotalAbs;
  const auto value = [&]() -> double {
    if (!layer.note.empty()) return layer.over ? std::numeric_limits<double>::infinity() : -1;
    switch (column) {
    case kLocalError: return layer.local.worst;
    case kLocalAbs: return layer.local.maxAbs;
    case kLocalRms: return layer.local.relativeRms;
    case kTotalError: return layer.accumulated.worst;
    default: return layer.accumulated.maxAbs;
    }
  };
  switch (role) {
  case Qt::DisplayRole: return text(layer, column);
  case Qt::ToolTipRole: return toolTip(layer, column);
  case kSortRole: return isNumber ? QVariant(value()) : QVariant(text(layer, column));
  case kDeviceRole: return column == kDeviceA || column == kDeviceB ? text(layer, column) : QString();
  case kErrorRole:
    if (column != kLocalError && column != kTotalError) return {};
    return layer.note.empty() ? value() : std::numeric_limits<double>::quiet_NaN();
  case Qt::TextAlignmentRole:
    return QVariant::fromValue(
        Qt::Alignment(isNumber ? Qt::AlignRight | Qt::AlignVCenter : Qt::AlignLeft | Qt::AlignVCenter));
  case Qt::ForegroundRole:
    if (column == kRemark && layer.over) return QBrush(Theme::of(QGuiApplication::palette()).problem);
    return {};
  default: return {};
  }
}

QVariant ParityModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
  static const char* const kTitles[] = {QT_TR_NOOP("Layer"),         QT_TR_NOOP("Operator"),  QT_TR_NOOP("On A"),
                                        QT_TR_NOOP("On B"),          QT_TR_NOOP("By itself"), QT_TR_NOOP("Max abs"),
                                        QT_TR_NOOP("Rms, relative"), QT_TR_NOOP("So far"),    QT_TR_NOOP("Max abs"),
                                        QT_TR_NOOP("Remark")};
  static const char* const kHelp[] = {
      "",
      "",
      "",
      "",
      QT_TR_NOOP(
          "Error of the layer alone, both sides fed with A's inputs, as a multiple of the tolerance: over 1 is a "
          "mismatch"),
      QT_TR_NOOP("Largest absolute error of the layer alone"),
      QT_TR_NOOP("Root mean square error of the layer alone, relative to that of A's values"),
      QT_TR_NOOP("Error with everything before the layer, as a multiple of the tolerance: over 1 is a mismatch"),
      QT_TR_NOOP("Largest absolute error with everything before the layer"),
      ""};
  if (role == Qt::DisplayRole) return tr(kTitles[section]);
  if (role == Qt::ToolTipRole && *kHelp[section] != '\0') return tr(kHelp[section]);
  return {};
}

QString ParityModel::csv() const {
  QString text =
      QStringLiteral("layer,operator,device_a,device_b,kernel_a,kernel_b,local_worst,local_max_abs,"
                     "local_max_rel,local_relative_rms,local_over,accumulated_worst,accumulated_max_abs,"
                     "accumulated_max_rel,accumulated_relative_rms,accumulated_over,elements,exceeds,note\n");
  const auto number = [](double value) {
    return std::isfinite(value) ? QString::number(value, 'g', 9)
                                : (std::isnan(value) ? QStringLiteral("nan") : QStringLiteral("inf"));
  };
  for (const auto& layer : m_parity.layers) {
    QStringList fields;
    for (const auto* name : {&layer.name, &layer.op, &layer.deviceA, &layer.deviceB, &layer.kernelA, &layer.kernelB})
      fields << csvField(toQString(*name));
    for (const auto* figures : {&layer.local, &layer.accumulated})
      fields << number(figures->worst) << number(figures->maxAbs) << number(figures->maxRel)
             << number(figures->relativeRms) << QString::number(figures->over);
    fields << QString::number(layer.local.elements) << (layer.over ? QStringLiteral("1") : QStringLiteral("0"))
           << csvField(toQString(layer.note));
    text += fields.join(QLatin1Char(',')) + QLatin1Char('\n');
  }
  return text;
}

} // namespace tandem::ui
