// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/input_pipeline.hpp"
#include "engine/session/session.hpp"

#include <optional>

namespace tandem::session {

inline constexpr int kMaxPipelineThreads = 256;
inline constexpr int kMaxPrefetch = 4096;

/// What a request or a deployment file says of the input pipeline:
/// "pipeline": {"threads": 2, "prefetch": 4, "cores": "0", "shuffle": false}; all keys may be missing.
struct PipelineSpec {
  int threads = 1;
  int prefetch = 0;  ///< requests; 0: twice the threads, at least 4, so that every thread has something to do
  std::string cores; ///< as CpuSet::parse() reads it; empty: anywhere
  bool shuffle = false;

  int prefetchOrDefault() const { return prefetch > 0 ? prefetch : std::max(4, 2 * threads); }
  friend bool operator==(const PipelineSpec&, const PipelineSpec&) = default;
};

/// Reads "pipeline" of `params`; nullopt where it is absent or null. Errors: Usage, for numbers out of range, for
/// processors that this machine lacks or this process may not use, and for keys that do not exist.
Result<std::optional<PipelineSpec>> decodePipelineSpec(const Json& params);
/// What decodePipelineSpec() reads; what is not chosen is left out.
Json encodePipelineSpec(const PipelineSpec& spec);
/// The options of a pipeline. `spec` as decodePipelineSpec() gave it.
Result<PipelineOptions> pipelineOptions(const PipelineSpec& spec);

} // namespace tandem::session
