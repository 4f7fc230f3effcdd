// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "app/cli/client.hpp"

namespace tandem::cli {

/// What `tandem verify --against-device A,B MODEL` was given.
struct ParityOptions {
  std::string model;
  std::string against; ///< "A,B": device ids or placement files, each may have ",precision=float16" behind it
  std::vector<std::string> inputs;
  std::string preprocess;
  std::optional<double> atol, rtol;
  int top = 20;             ///< layers to show; 0: all
  std::string by = "layer"; ///< "layer": by local error; "total": by accumulated error
  int batch = 1;
  std::uint64_t seed = 1;
};

/// Compares the two placements layer by layer and prints the worst layers first. Exit code 1 where anything exceeds
/// its tolerance.
int compareDevices(const CommonOptions& common, const ParityOptions& options);

} // namespace tandem::cli
