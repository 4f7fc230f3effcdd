// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace tandem::session {

/// The worker's main loop: reads requests from `inputFd`, writes replies, events and heartbeats to `outputFd` (one JSON
/// object per line, README.md), until the input ends. Returns the process exit code. The caller must keep other output
/// away from `outputFd`.
int serveWorker(int inputFd, int outputFd);

} // namespace tandem::session
