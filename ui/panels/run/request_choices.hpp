// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>

namespace tandem::ui {

/// A way in which requests arrive, with what people read of it.
struct ScenarioChoice {
  QString key, title, text;
  double usual = 0; ///< its number; 0: it has none
  QString suffix = {};
};

struct RouteChoice {
  QString key, title, text;
};

/// In display order; the keys are the engine's.
[[nodiscard]] const QList<ScenarioChoice>& scenarioChoices();
[[nodiscard]] const QList<RouteChoice>& routeChoices();

} // namespace tandem::ui
