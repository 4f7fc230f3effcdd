// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "app/cli/client.hpp"
#include "engine/session/pipeline_options.hpp"

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace tandem::cli {

/// The options that say how inputs are prepared while a model runs.
class PipelineFlags {
 public:
  void addOptions(CLI::App& command);
  /// Whether any of them was given: inputs are then prepared while the run goes on, instead of before it.
  bool given() const;
  /// Changes in `spec` (of a deployment file, say) what was given here.
  void applyTo(session::PipelineSpec& spec) const;
  /// Sets params["pipeline"] as the session's requests name it, where anything was given.
  void addTo(Json& params) const;

 private:
  session::PipelineSpec m_spec;
  CLI::Option* m_threads = nullptr;
  CLI::Option* m_prefetch = nullptr;
  CLI::Option* m_cores = nullptr;
  CLI::Option* m_shuffle = nullptr;
};

} // namespace tandem::cli
