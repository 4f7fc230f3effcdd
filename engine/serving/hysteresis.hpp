// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <string>

namespace tandem {

/// When a choice that looks better is made while a load goes on, and when it is taken back. Figures are times: less is
/// better. A change is made once it looks better by the margin several ticks in a row; after as many ticks again what
/// is measured must be better than before, else it is taken back and twice as many ticks are asked for from then on
/// (half as many after a change that paid, never fewer than at first). Not thread-safe.
class Hysteresis {
 public:
  enum class Step {
    Wait,
    TooLittle, ///< something is better, but within the margin
    Change,    ///< to be made now; then call changed(), or failed()
    Kept,      ///< the last change paid
    Back,      ///< it did not: to be taken back now
  };

  /// `margin`: 0.1 asks for a gain of at least a tenth.
  explicit Hysteresis(double margin, int inARow = 3) : m_margin(margin), m_least(inARow), m_needed(inARow) {}

  /// One tick with something measured: `now` as it is, `predicted` for the best other choice (`now` where none is).
  Step tick(double now, double predicted);
  void changed();
  void failed(); ///< the change could not be made

  bool isChecking() const { return m_isChecking; } ///< a change is made and not judged: no other is looked for
  double before() const { return m_before; }       ///< what was measured when the last change was decided
  int needed() const { return m_needed; }          ///< ticks in a row
  std::string marginText() const;                  ///< "10 %"

 private:
  void wait();

  double m_margin;
  int m_least, m_needed;
  int m_inARow = 0, m_checked = 0;
  bool m_isChecking = false;
  double m_before = 0;
};

} // namespace tandem
