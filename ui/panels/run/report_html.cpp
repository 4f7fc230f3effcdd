// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/report_html.hpp"

#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"

#include <QCoreApplication>

namespace tandem::ui {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("tandem::ui::ReportView", text); }

QString cell(const QString& text, bool right = true) {
  return QStringLiteral("<td align='%1' style='padding-right:10px'>%2</td>")
      .arg(right ? QStringLiteral("right") : QStringLiteral("left"), text);
}

QString escaped(const std::string& text) { return unbrokenIds(toQString(text)).toHtmlEscaped(); }

QString latencyCells(const session::Latency& latency) {
  return cell(formatMs(latency.p50Ms)) + cell(formatMs(latency.p95Ms)) + cell(formatMs(latency.p99Ms));
}

QString mutedText(const QString& text, const Theme& theme) {
  return QStringLiteral("<span style='color:%1'>%2</span>").arg(theme.mutedText.name(), text);
}

QString heading(const QString& text) { return QStringLiteral("<h4 style='margin-bottom:2px'>%1</h4>").arg(text); }

/// A table with a heading over each column; the first one is names.
QString table(const QStringList& headings, const QList<QStringList>& rows, const Theme& theme) {
  QString html = QStringLiteral("<table cellspacing='2'><tr>");
  for (qsizetype i = 0; i < headings.size(); ++i) html += cell(mutedText(headings[i], theme), i > 0);
  html += QStringLiteral("</tr>");
  for (const QStringList& row : rows) {
    html += QStringLiteral("<tr>");
    for (qsizetype i = 0; i < row.size(); ++i) html += cell(row[i], i > 0);
    html += QStringLiteral("</tr>");
  }
  return html + QStringLiteral("</table>");
}

QString list(const std::vector<std::string>& items) {
  QString html = QStringLiteral("<ul style='margin-left:-24px; margin-top:0px'>");
  for (const auto& item : items) html += QStringLiteral("<li>%1</li>").arg(escaped(item));
  return html + QStringLiteral("</ul>");
}

QString verdictHtml(const session::Report::Verdict& verdict, const Theme& theme) {
  if (verdict.summary.empty()) return {};
  QString html = heading(tr("Together or alone")) +
                 QStringLiteral("<p style='margin-top:0px'>%1</p>").arg(escaped(verdict.summary));
  QList<QStringList> rows;
  for (const auto& part : verdict.parts)
    rows << QStringList{escaped(part.name), formatRate(part.aloneItemsPerS), formatRate(part.togetherItemsPerS),
                        formatPercent(part.busyFraction)};
  html += table({QString(), tr("alone"), tr("together"), tr("busy")}, rows, theme);
  return verdict.reasons.empty() ? html : html + list(verdict.reasons);
}

QString pipelinesHtml(const session::Report& report) {
  QString html;
  for (const auto& each : report.pipelines)
    html += QStringLiteral("<p>%1</p>")
                .arg(tr("%1: %2 with %3 requests in flight, %4 with one: %5 times")
                         .arg(escaped(each.name), formatRate(each.manyItemsPerS), QString::number(each.streams),
                              formatRate(each.oneItemsPerS), QLocale().toString(each.gain, 'f', 2)));
  return html.isEmpty() ? html : heading(tr("Pipelines")) + html;
}

QString rampHtml(const session::Report::Ramp& ramp, const Theme& theme) {
  QList<QStringList> rows;
  for (const auto& step : ramp.steps) {
    const bool isBest = step.passed && step.ratePerS == ramp.bestPerS;
    QString rate = formatRate(step.ratePerS), verdict = step.passed ? tr("kept") : tr("missed");
    if (isBest) rate = QStringLiteral("<b>%1</b>").arg(rate);
    if (!step.enoughSamples) verdict += tr(" (few samples)");
    rows << QStringList{rate, formatMs(step.p99Ms), formatCount(static_cast<double>(step.requests)),
                        formatCount(static_cast<double>(step.refused)), verdict};
  }
  const QString best = ramp.bestPerS > 0
                           ? tr("The highest rate with a p99 below %1 is %2; closed loops reach %3.")
                                 .arg(formatMs(ramp.boundMs), formatRate(ramp.bestPerS), formatRate(ramp.capacityPerS))
                           : tr("No rate keeps the p99 below %1.").arg(formatMs(ramp.boundMs));
  return heading(tr("Ramp")) + QStringLiteral("<p style='margin-top:0px'>%1</p>").arg(best) +
         table({tr("rate"), tr("p99"), tr("requests"), tr("refused"), QString()}, rows, theme);
}

QString classesHtml(const session::Report& report, const Theme& theme) {
  if (report.priorities.size() < 2) return {};
  QList<QStringList> rows;
  for (const auto& kind : report.priorities)
    rows << QStringList{escaped(kind.name), formatCount(static_cast<double>(kind.latency.count)),
                        formatMs(kind.latency.p50Ms), formatMs(kind.latency.p99Ms), formatMs(kind.longestQueueMs)};
  return heading(tr("Classes")) +
         table({QString(), tr("requests"), tr("p50"), tr("p99"), tr("longest wait")}, rows, theme) +
         mutedText(tr("While bulk requests wait, at most 8 batches of the others are begun between two of theirs: none "
                      "waits forever."),
                   theme);
}

QString eventsHtml(const session::Report& report, const Theme& theme) {
  if (report.events.empty()) return {};
  QString html = heading(tr("What happened")) + QStringLiteral("<table cellspacing='2'>");
  for (const auto& event : report.events)
    html += QStringLiteral("<tr>") + cell(mutedText(tr("%1 s").arg(QLocale().toString(event.atS, 'f', 2)), theme)) +
            cell(escaped(event.text), false) + QStringLiteral("</tr>");
  return html + QStringLiteral("</table>");
}

QString costsHtml(const session::Report& report, const Theme& theme) {
  QList<QStringList> rows;
  for (const auto& replica : report.replicas)
    if (replica.copyBytes > 0 || replica.rssBytes > 0 || replica.compileMs + replica.warmupMs > 0)
      rows << QStringList{escaped(replica.name), formatBytes(static_cast<double>(replica.copyBytes)),
                          formatBytes(static_cast<double>(replica.rssBytes)),
                          formatMs(replica.compileMs + replica.warmupMs)};
  if (rows.isEmpty()) return {};
  return heading(tr("What each copy costs")) +
         table({QString(), tr("on devices"), tr("in the process"), tr("start-up")}, rows, theme);
}

QString mlperfHtml(const session::Report::Mlperf& mlperf) {
  if (mlperf.scenario.empty()) return {};
  const QString name = escaped(mlperf.scenario);
  if (mlperf.valid) return heading(tr("MLPerf")) + tr("%1: its rules are kept.").arg(name);
  return heading(tr("MLPerf")) + tr("%1: not by its rules, which ask for").arg(name) + list(mlperf.missing);
}

} // namespace

QString reportHtml(const RunHistory::Entry& entry, const Theme& theme) {
  const auto& report = entry.report;
  const auto muted = [&](const QString& text) { return mutedText(text, theme); };
  const auto row = [&](const QString& title, const QString& value) {
    return QStringLiteral("<tr>") + cell(muted(title), false) + cell(value, false) + QStringLiteral("</tr>");
  };
  const QString start = QStringLiteral("<table cellspacing='2'>"), end = QStringLiteral("</table>");
  QString html = QStringLiteral("<h3 style='margin-bottom:0px'>%1</h3>")
                     .arg(tr("Throughput %1").arg(formatRate(report.itemsPerS)));
  html += muted(tr("Run %1 of %2, %3 measured%4")
                    .arg(QString::number(entry.number), entry.model.toHtmlEscaped(), formatMs(report.durationS * 1e3),
                         report.stopped ? tr(", stopped by you") : QString()));
  html += verdictHtml(report.verdict, theme) + pipelinesHtml(report);
  if (report.ramp) html += rampHtml(*report.ramp, theme);
  html += heading(tr("Latency")) + start + QStringLiteral("<tr>") + cell({}, false) + cell(muted(tr("p50"))) +
          cell(muted(tr("p95"))) + cell(muted(tr("p99"))) + QStringLiteral("</tr>");
  html += QStringLiteral("<tr>") + cell(tr("All"), false) + latencyCells(report.latency) + QStringLiteral("</tr>");
  for (const auto& replica : report.replicas) {
    // A long name has a row of its own: beside three columns of numbers it would be broken.
    constexpr std::size_t kBeside = 10;
    const bool isLong = replica.name.size() > kBeside;
    if (isLong) html += QStringLiteral("<tr><td colspan='4'>%1</td></tr>").arg(escaped(replica.name));
    html += QStringLiteral("<tr>") + cell(isLong ? QString() : escaped(replica.name), false) +
            latencyCells(replica.latency) + QStringLiteral("</tr>");
  }
  html += end + heading(tr("Requests and items")) + start;
  const auto work = [](std::uint64_t requests, double items) {
    return tr("%1 requests, %2").arg(formatCount(static_cast<double>(requests)), formatRate(items));
  };
  html += row(tr("All"), work(report.requests, report.itemsPerS));
  for (const auto& replica : report.replicas)
    html += row(escaped(replica.name), work(replica.requests, replica.itemsPerS));
  html += end + start;
  html += row(tr("Mean, p90, p99.9"), QStringLiteral("%1, %2, %3")
                                          .arg(formatMs(report.latency.meanMs), formatMs(report.latency.p90Ms),
                                               formatMs(report.latency.p999Ms)));
  if (report.rejected > 0) html += row(tr("Refused"), formatCount(static_cast<double>(report.rejected)));
  html += row(tr("Slowest"), formatMs(report.latency.maxMs));
  if (report.failed > 0)
    html += row(tr("Failed"), QStringLiteral("<b style='color:%1'>%2</b>")
                                  .arg(theme.problem.name(), formatCount(static_cast<double>(report.failed))));
  html += end + classesHtml(report, theme) + eventsHtml(report, theme) + heading(tr("Mean time of a request")) + start;
  html += row(tr("Waiting"), formatMs(report.queueMs)) + row(tr("Preprocessing"), formatMs(report.preprocessMs)) +
          row(tr("Transfers"), formatMs(report.transferMs)) + row(tr("Computing"), formatMs(report.computeMs));
  html += end + heading(tr("Devices")) + start;
  for (const auto& device : report.devices)
    html += row(escaped(device.id), tr("%1 busy").arg(formatPercent(device.busyFraction)));
  html += end + heading(tr("Memory")) + start;
  for (const auto& memory : report.memory)
    html += row(escaped(memory.id), tr("%1 weights, %2 activations, %3 staging")
                                        .arg(formatBytes(static_cast<double>(memory.weightsBytes)),
                                             formatBytes(static_cast<double>(memory.activationsBytes)),
                                             formatBytes(static_cast<double>(memory.stagingBytes))));
  html += row(tr("Process"), formatBytes(static_cast<double>(report.rssBytes)));
  html += end + heading(tr("Start-up")) + start;
  html += row(tr("Load"), formatMs(report.loadMs)) + row(tr("Compile"), formatMs(report.compileMs)) +
          row(tr("Warm-up"), formatMs(report.warmupMs)) + end;
  html += costsHtml(report, theme);
  for (const auto& replica : report.replicas) {
    if (!replica.summary.empty())
      html += muted(escaped(replica.name) + QStringLiteral(": ") + escaped(replica.summary) +
                    (replica.precision == "model" ? QString() : QStringLiteral(", ") + escaped(replica.precision))) +
              QStringLiteral("<br>");
  }
  html += mlperfHtml(report.mlperf);
  if (!report.notes.empty()) {
    html += heading(tr("Notes")) + QStringLiteral("<ul style='margin-left:-24px; margin-top:0px'>");
    for (const auto& note : report.notes) html += QStringLiteral("<li>%1</li>").arg(escaped(note));
    html += QStringLiteral("</ul>");
  }
  return html;
}

} // namespace tandem::ui
