// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "app/cli/client.hpp"

namespace tandem::cli {

/// Reads a replica SPEC (DESIGN.md section 8): a device id or a placement file, then options
/// (",threads=1,streams=2,batch=8,preferred=4/8,delay_ms=5,target_ms=50,precision=float16,name=small").
Result<session::ReplicaSpec> parseReplica(const std::string& text);
/// Reads a change of a run: "SECONDS add REPLICA", "SECONDS remove NAME", "SECONDS replace NAME REPLICA", "SECONDS
/// route ROUTE".
Result<session::RunChange> parseChange(const std::string& text);
/// "1,8" as request sizes.
Result<std::vector<int>> parseBatches(const std::string& text);
/// Reads a *.placement.json file as it goes into a request.
Result<Json> readPlacementFile(const std::string& file);
/// Adds `device` or `placement` to a request; Usage where both are given.
Result<void> addPlacement(Json& params, const std::string& device, const std::string& placementFile);
/// {"CPU:0": 2147483648} from "CPU:0=2GiB".
Result<Json> parseMemoryLimits(const std::vector<std::string>& texts);
/// {"tokens": 128} from "tokens=128".
Result<std::map<std::string, std::int64_t>> parseDims(const std::vector<std::string>& texts);
/// Reads a whole file; InputRejected where that is not possible or it is larger than `maxBytes`.
Result<std::string> readFile(const std::string& file, std::size_t maxBytes);

} // namespace tandem::cli
