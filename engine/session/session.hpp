// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tandem::session {

using Json = nlohmann::ordered_json;

/// Names of all requests. Their parameters and results are described in README.md beside this file.
namespace method {
inline constexpr const char* kHello = "hello";
inline constexpr const char* kConfigure = "configure";
inline constexpr const char* kDevices = "devices";
inline constexpr const char* kModels = "models";
inline constexpr const char* kOperators = "operators";
inline constexpr const char* kOpen = "open";
inline constexpr const char* kClose = "close";
inline constexpr const char* kPlacement = "placement";
inline constexpr const char* kPredict = "predict";
inline constexpr const char* kPreview = "preview";
inline constexpr const char* kVerify = "verify";
inline constexpr const char* kParity = "parity";
inline constexpr const char* kProfile = "profile";
inline constexpr const char* kTune = "tune";
inline constexpr const char* kRun = "run";
inline constexpr const char* kStudy = "study";
inline constexpr const char* kDeploy = "deploy";
inline constexpr const char* kExport = "export";
} // namespace method

/// Called once, with the result or the error.
using ReplyFunction = std::function<void(Result<Json>)>;
/// Called any number of times before the reply, with "progress" or "snapshot" data.
using EventFunction = std::function<void(const std::string& event, const Json& data)>;

/// The engine as a client sees it: requests in, replies and events out. Two implementations: in this process
/// (LocalSession) and in a worker process (WorkerSession). Callbacks come on a thread of the session; they must not
/// block and may call `request` and `cancel`.
class Session {
 public:
  virtual ~Session() = default;
  /// Starts a request and returns its number. Requests run one after another, except that `cancel` acts at once.
  virtual std::uint64_t request(const std::string& method, const Json& params, ReplyFunction reply,
                                EventFunction event = {}) = 0;
  /// Asks a request to stop. A run then ends early with its report; others reply with ErrorCode::Cancelled.
  virtual void cancel(std::uint64_t requestId) = 0;
};

/// Waits for the reply of one request.
Result<Json> call(Session& session, const std::string& method, const Json& params, EventFunction event = {});

} // namespace tandem::session
