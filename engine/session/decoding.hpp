// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/session.hpp"

/// What the decoders of messages share.
namespace tandem::session {

/// Runs a decoder that reads with .at() and .get(); what the library throws about a message becomes an Error.
template <class Decode> auto decoding(const char* what, Decode decode) -> Result<decltype(decode())> {
  try {
    return decode();
  } catch (const nlohmann::json::exception& problem) {
    return makeError(ErrorCode::WorkerLost,
                     "the engine sent something unreadable for " + std::string(what) + " (" + problem.what() + ")",
                     "engine worker", "start it again; if this repeats, report it");
  }
}

template <class T> void read(const Json& json, const char* key, T& target) { readInto(json.at(key), target); }
template <class T> void readIf(const Json& json, const char* key, T& target) {
  auto it = json.find(key);
  if (it != json.end() && !it->is_null()) readInto(*it, target);
}

} // namespace tandem::session
