// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/deployment.hpp"

namespace tandem {

/// Memory of all replicas together on one device.
struct DeviceUse {
  std::string id;
  std::int64_t weightsBytes = 0, activationsBytes = 0, stagingBytes = 0;
  std::int64_t sharedWeightsBytes = 0; ///< what replicas and sizes read that others hold; not in weightsBytes
  double busyFraction = 0;

  std::int64_t bytes() const { return weightsBytes + activationsBytes + stagingBytes; }
};

/// Memory and ids of every device that the deployment uses.
std::vector<DeviceUse> deviceUse(const Deployment& deployment);

/// What one replica adds to those that came before it: weights that an earlier one holds are "shared".
std::vector<DeviceUse> copyCost(const Deployment& deployment, const Replica& replica);

/// Fails with DeviceFailed where the replicas together need more than a device's limit (bytes, by device).
Result<void> requireWithinLimits(const Deployment& deployment, const std::map<std::string, std::int64_t>& limits);

} // namespace tandem
