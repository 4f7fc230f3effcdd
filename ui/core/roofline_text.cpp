// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/roofline_text.hpp"

#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"

#include <QCoreApplication>
#include <QStringList>

#include <algorithm>

namespace tandem::ui {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("tandem::ui::Roofline", text); }

QString shareOf(const session::LayerTime& layer) {
  const QString share = formatPercent(*layer.roofFraction);
  if (layer.roof == "compute") return tr("%1 of what the device computes at most").arg(share);
  if (layer.roof == "memory") return tr("%1 of what its memory moves at most").arg(share);
  return tr("%1 of its roof: less work than it takes to start a kernel").arg(share);
}

} // namespace

QString roofText(const session::LayerTime& layer) {
  if (layer.roof == "compute") return tr("compute");
  if (layer.roof == "memory") return tr("memory");
  if (layer.roof == "overhead") return tr("overhead");
  return QStringLiteral("–");
}

QString roofShareText(const session::LayerTime& layer) {
  return layer.roofFraction ? formatPercent(*layer.roofFraction) : QStringLiteral("–");
}

QString rateText(const std::optional<double>& value) {
  constexpr double kLeast = 0.0005;
  if (!value) return QStringLiteral("–");
  if (*value < kLeast) return QLatin1Char('<') + QLocale().toString(0.001, 'f', 3);
  return QLocale().toString(*value, 'f', *value < 0.095 ? 3 : *value < 0.95 ? 2 : *value < 999.5 ? 1 : 0);
}

double lostMs(const session::LayerTime& layer) {
  return layer.roofMs ? std::max(0.0, layer.medianMs - *layer.roofMs) : -1;
}

QString overHundredText() {
  return tr("Over 100 %: the kernel does fewer operations than the direct algorithm (Winograd), computes in bytes, or "
            "finds its data in a cache.");
}

QString roofToolTip(const session::LayerTime& layer, const QString& name, const QString& op) {
  QStringList lines;
  lines << QStringLiteral("<b>%1</b> %2").arg(op.toHtmlEscaped(), name.toHtmlEscaped());
  if (layer.nodes.size() > 1)
    lines << QCoreApplication::translate("tandem::ui::Roofline", "with %n more layer(s)", nullptr,
                                         static_cast<int>(layer.nodes.size()) - 1);
  lines << tr("%1, %2").arg(toQString(layer.device), toQString(layer.kernel)).toHtmlEscaped();
  QString time = formatMs(layer.medianMs);
  if (layer.roofMs) time += tr(", at its roof %1").arg(formatMs(*layer.roofMs));
  lines << time;
  QStringList rates;
  if (layer.gflopPerS) rates << tr("%1 GFLOP/s").arg(rateText(layer.gflopPerS));
  if (layer.gbPerS) rates << tr("%1 GB/s").arg(rateText(layer.gbPerS));
  if (layer.flopPerByte) rates << tr("%1 FLOP per byte").arg(rateText(layer.flopPerByte));
  if (!rates.isEmpty()) lines << rates.join(QStringLiteral(", "));
  if (!layer.flops) lines << tr("what it has to do is not known before the run");
  if (layer.roofFraction) lines << shareOf(layer);
  if (layer.roofFraction.value_or(0) > 1) lines << QStringLiteral("<i>%1</i>").arg(overHundredText());
  return lines.join(QStringLiteral("<br>"));
}

QString profileSummary(const session::Profile& profile) {
  QStringList parts;
  for (const session::ProfileTotal& total : profile.totals) {
    QString text = tr("Whole model %1").arg(formatMs(total.medianMs));
    constexpr double kWorthTelling = 0.05;
    if (total.gflopPerS >= kWorthTelling) {
      text +=
          (total.unknownLayers > 0 ? tr(", at least %1 GFLOP/s") : tr(", %1 GFLOP/s")).arg(rateText(total.gflopPerS));
      if (total.peakFraction) text += tr(" = %1 of the measured peak").arg(formatPercent(*total.peakFraction));
    }
    if (total.roofFraction)
      text += tr("; layers at %1 of their roofs, weighted by time").arg(formatPercent(*total.roofFraction));
    if (total.unknownLayers > 0)
      text += QCoreApplication::translate("tandem::ui::Roofline", "; %n layer(s) without a known cost", nullptr,
                                          total.unknownLayers);
    parts << text;
  }
  for (const session::DevicePeaks& peaks : profile.peaks)
    if (!peaks.gflops || !peaks.memoryGbPerS)
      parts << tr("%1 has no peaks (%2): Run > Measure devices, then measure the layers again")
                   .arg(toQString(peaks.device), toQString(peaks.problem));
  return parts.join(QStringLiteral("; "));
}

} // namespace tandem::ui
