// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/codec.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tandem::cli {

using session::Json;

/// Options that every command takes.
struct CommonOptions {
  std::string cores;
  std::string hostCores; ///< for threads that feed accelerators
  std::vector<std::string> hide;
  std::vector<std::string> memoryLimits; ///< "CPU:0=2GiB"
  double tuneSeconds = 0;                ///< for kernels that were never measured; 0: take the likeliest
  std::vector<std::string> dims;         ///< "tokens=128": sizes that the model leaves open
  bool isolated = false;
  bool quiet = false;
  bool json = false;
};

/// A session with the common options applied, progress on a terminal, and Ctrl+C as cancel.
class Client {
 public:
  static Result<std::unique_ptr<Client>> open(const CommonOptions& options);
  /// One request; shows its progress events while it runs. The first Ctrl+C cancels it, the second ends the program.
  Result<Json> call(const std::string& method, const Json& params, session::EventFunction event = {});
  const CommonOptions& options() const { return m_options; }
  /// True once the user asked to stop.
  static bool interrupted();

 private:
  explicit Client(const CommonOptions& options) : m_options(options) {}
  CommonOptions m_options;
  std::map<std::string, std::int64_t> m_dims; ///< go with every request that names a model
  std::unique_ptr<session::Session> m_session;
};

} // namespace tandem::cli
