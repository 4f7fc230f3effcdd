// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/phase.hpp"

namespace tandem {

/// A replica in company and alone.
struct VerdictPart {
  std::string name, devices;
  double aloneItemsPerS = 0, togetherItemsPerS = 0;
  double aloneP99Ms = 0;
  double aloneServiceMs = 0, togetherServiceMs = 0; ///< mean of its executions
  double busyFraction = 0;                          ///< of its busiest device, together
  double setupMs = 0;                               ///< compile and warm-up
  std::int64_t copyBytes = 0;                       ///< what it adds on devices
  std::int64_t rssBytes = 0;                        ///< and to the process
};

/// What the verdict is drawn from, so that it can be tested without a run.
struct VerdictFacts {
  std::vector<VerdictPart> parts;
  double togetherItemsPerS = 0, togetherP99Ms = 0;
  double transferMs = -1, computeMs = -1; ///< as in PhaseOutcome
  bool loadSaturates = true;              ///< a closed or offline load; an open loop only gets what arrives
  bool isSplit = false;                   ///< every request is divided over the replicas
  int inFlight = 0;                       ///< requests that the scenario keeps in flight; 0: any number
};

/// What simultaneous use gave over the best replica alone, in numbers and in words.
struct Verdict {
  double gain = 0;     ///< items/s together over items/s of the best alone
  double bound = 0;    ///< 1 + s_other / s_best, if nobody disturbed the other (EngineCL's S_max; placement.md A4.1)
  double reached = 0;  ///< gain / bound
  std::string best;    ///< name of the best replica alone
  std::string summary; ///< one sentence: does it pay?
  std::vector<std::string> reasons; ///< why it is not more; why it costs what it costs
  std::vector<VerdictPart> parts;
};

Verdict judge(const VerdictFacts& facts);

/// A replica whose layers are split over devices: several requests in flight against one.
struct PipelineGain {
  std::string name, devices;
  int streams = 1;
  double oneItemsPerS = 0, manyItemsPerS = 0;
  double gain() const { return oneItemsPerS > 0 ? manyItemsPerS / oneItemsPerS : 0; }
};

} // namespace tandem
