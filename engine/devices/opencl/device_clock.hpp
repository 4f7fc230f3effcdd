// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

namespace tandem::opencl {

/// One reading of a device's clock, taken between two readings of nowNs().
struct ClockReading {
  std::int64_t device = 0;
  std::int64_t hostBefore = 0;
  std::int64_t hostAfter = 0;
};

/// Puts a device's time stamps on the axis of nowNs(), by readings of both clocks now and then: a line through the
/// newest reading, with the drift between it and an older one. Later stamps never get earlier times, whatever a new
/// reading says: where it puts the line lower, the difference is made up for slowly. A clock that is nowNs() itself
/// (PoCL) is left as it is.
class DeviceClock {
 public:
  /// Drift is some ten parts per million, so this often it is worth a microsecond or so.
  static constexpr std::int64_t kIntervalNs = 100'000'000;

  /// True where another reading is due at host time `hostNs`.
  bool wantsReading(std::int64_t hostNs) const { return !m_known || hostNs - m_newest.host >= kIntervalNs; }
  /// Takes a reading into account, unless it is too uncertain to improve anything or contradicts the order of time.
  void add(const ClockReading& reading);
  /// Host time of a device's stamp; the stamp itself before the first reading.
  std::int64_t toHost(std::int64_t device);
  /// Host nanoseconds per nanosecond of the device, as far as known.
  double drift() const { return m_drift; }

 private:
  struct Anchor {
    std::int64_t device = 0, host = 0;
    std::int64_t uncertain = 0; ///< the host time lies this close
  };
  void findDrift();
  std::int64_t line(std::int64_t device) const;

  bool m_known = false;
  bool m_same = true; ///< every reading so far lay between the host's: nothing to convert
  Anchor m_oldest;    ///< where the drift is measured from
  Anchor m_middle;    ///< takes over as m_oldest once that is old
  Anchor m_newest;
  double m_drift = 1;
  bool m_used = false;
  std::int64_t m_latestDevice = 0, m_latestHost = 0; ///< the latest stamp converted, and what it became
  std::int64_t m_slew = 0;                           ///< above the line at m_slewFrom, less and less after it
  std::int64_t m_slewFrom = 0;
};

} // namespace tandem::opencl
