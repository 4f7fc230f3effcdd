// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/request_choices.hpp"

#include <QCoreApplication>

namespace tandem::ui {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("tandem::ui::RequestEditor", text); }
QString key(const char* text) { return QLatin1String(text); }

} // namespace

const QList<ScenarioChoice>& scenarioChoices() {
  static const QList<ScenarioChoice> choices = {
      {key("closed"), tr("Closed loop: clients"),
       tr("Each client sends its next request when the last one is answered."), 4},
      {key("single-stream"), tr("Single stream"), tr("One request after another: the best latency there is.")},
      {key("multi-stream"), tr("Multi stream: at once"),
       tr("Several requests arrive together; the next group when all are answered."), 4},
      {key("poisson"), tr("Open loop: per second"),
       tr("Requests arrive at random times, whether or not the engine keeps up; latency counts from the scheduled "
          "arrival."),
       100, tr(" /s")},
      {key("offline"), tr("Offline: requests"), tr("All requests are there from the start: the best throughput."),
       1000},
      {key("ramp"), tr("Ramp: p99 below"),
       tr("Finds the highest rate of random arrivals at which 99 % of the requests are answered within this time. Each "
          "rate is measured for the duration below."),
       50, tr(" ms")},
      {key("replay"), tr("Replay a file"),
       tr("Requests arrive at the times in a file: one time in seconds per line. Latency counts from those times."), 0},
  };
  return choices;
}

const QList<RouteChoice>& routeChoices() {
  static const QList<RouteChoice> choices = {
      {key("predicted-finish"), tr("Predicted finish"), tr("To the replica that is expected to answer first.")},
      {key("least-loaded"), tr("Least loaded"), tr("To the replica with the fewest waiting items.")},
      {key("round-robin"), tr("Round robin"), tr("To each replica in turn, however fast it is.")},
      {key("size"), tr("By size"),
       tr("Requests of at most this many items go to the first replica, larger ones to the second.")},
      {key("split"), tr("Split each request"),
       tr("One request is divided over the replicas in proportion to their speed.")},
      {key("slo"), tr("In time or refused"),
       tr("To the replica that is expected to answer first; what none would answer within this time is refused.")},
      {key("pinned"), tr("Pinned"), tr("All requests go to one replica.")},
  };
  return choices;
}

} // namespace tandem::ui
