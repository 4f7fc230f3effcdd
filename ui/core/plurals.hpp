// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTranslator>

namespace tandem::ui {

/// The source strings write counts as "%n layer(s)"; this makes "1 layer" and "2 layers" of them. Install it before
/// the translator of a language, which then wins.
class EnglishPlurals : public QTranslator {
 public:
  using QTranslator::QTranslator;
  [[nodiscard]] bool isEmpty() const override { return false; }
  [[nodiscard]] QString translate(const char* context, const char* sourceText, const char* disambiguation,
                                  int n) const override;
};

} // namespace tandem::ui
