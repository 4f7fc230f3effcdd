// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/plurals.hpp"

namespace tandem::ui {

QString EnglishPlurals::translate(const char*, const char* sourceText, const char*, int n) const {
  const QLatin1String mark("(s)");
  QString text = n >= 0 ? QString::fromUtf8(sourceText) : QString();
  if (!text.contains(mark)) return {}; // none of ours
  return text.replace(mark, n == 1 ? QString() : QStringLiteral("s"));
}

} // namespace tandem::ui
