// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/types.hpp"

#include <QString>

#include <vector>

namespace tandem::ui {

/// A change of the deployment that was asked for while a run goes on.
struct LiveChange {
  enum class State { Waiting, Made, Refused };
  session::RunChange change;
  State state = State::Waiting;
  QString outcome; ///< what the engine said of it; empty while it waits
};

/// What the engine says when `change` is made.
[[nodiscard]] QString eventOfMade(const session::RunChange& change);
/// What a person reads of `change`: "add GPU:0", "routing: split".
[[nodiscard]] QString changeText(const session::RunChange& change);
/// Marks the change that `event` ends, if there is one. The engine makes changes one after another, so that a refusal,
/// which does not say of what, is of the oldest one. False where the event is about something else.
bool settle(std::vector<LiveChange>& changes, const QString& event);

} // namespace tandem::ui
