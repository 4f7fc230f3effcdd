// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/pipeline_flags.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {

void PipelineFlags::addOptions(CLI::App& command) {
  m_threads = command
                  .add_option("--preprocess-threads", m_spec.threads,
                              "prepare inputs on that many threads while the model runs: read, decode, resize, "
                              "normalise and batch them for every request")
                  ->check(CLI::Range(1, session::kMaxPipelineThreads));
  m_prefetch = command
                   .add_option("--prefetch", m_spec.prefetch,
                               "requests that may be prepared ahead of need (default: twice the threads, at least 4)")
                   ->check(CLI::Range(1, session::kMaxPrefetch));
  m_cores = command.add_option("--preprocess-cores", m_spec.cores,
                               "processors that these threads stay on, like \"0\" or \"0-3,6\" (default: any)");
  m_shuffle = command.add_flag("--shuffle", m_spec.shuffle,
                               "prepare inputs in a new order in every pass over them, drawn from the seed");
}

bool PipelineFlags::given() const {
  for (const CLI::Option* each : {m_threads, m_prefetch, m_cores, m_shuffle})
    if (each && each->count() > 0) return true;
  return false;
}

void PipelineFlags::applyTo(session::PipelineSpec& spec) const {
  if (m_threads->count() > 0) spec.threads = m_spec.threads;
  if (m_prefetch->count() > 0) spec.prefetch = m_spec.prefetch;
  if (m_cores->count() > 0) spec.cores = m_spec.cores;
  if (m_shuffle->count() > 0) spec.shuffle = m_spec.shuffle;
}

void PipelineFlags::addTo(Json& params) const {
  if (given()) params["pipeline"] = session::encodePipelineSpec(m_spec);
}

} // namespace tandem::cli
