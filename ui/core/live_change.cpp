// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/live_change.hpp"

#include "ui/core/labels.hpp"

#include <QCoreApplication>

#include <algorithm>

namespace tandem::ui {
namespace {
QString tr(const char* text) { return QCoreApplication::translate("tandem::ui::LiveChange", text); }
} // namespace

QString eventOfMade(const session::RunChange& change) {
  if (change.action == "add") return toQString(change.replica.name) + QStringLiteral(" serves from now on");
  if (change.action == "remove") return toQString(change.name) + QStringLiteral(" is drained and gone");
  if (change.action == "replace") return toQString(change.name) + QStringLiteral(" is replaced");
  return QStringLiteral("routing is %1 from now on").arg(toQString(change.route));
}

QString changeText(const session::RunChange& change) {
  if (change.action == "add") return tr("add %1").arg(toQString(change.replica.name));
  if (change.action == "remove") return tr("remove %1").arg(toQString(change.name));
  if (change.action == "replace") return tr("change %1").arg(toQString(change.name));
  return tr("route by %1").arg(toQString(change.route));
}

bool settle(std::vector<LiveChange>& changes, const QString& event) {
  const auto waits = [](const LiveChange& each) { return each.state == LiveChange::State::Waiting; };
  const bool refused = event.startsWith(QStringLiteral("a change was not made"));
  const auto found = std::find_if(changes.begin(), changes.end(), [&](const LiveChange& each) {
    return waits(each) && (refused || eventOfMade(each.change) == event);
  });
  if (found == changes.end()) return false;
  found->state = refused ? LiveChange::State::Refused : LiveChange::State::Made;
  found->outcome = event;
  return true;
}

} // namespace tandem::ui
