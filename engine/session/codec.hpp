// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/session.hpp"
#include "engine/session/types.hpp"

namespace tandem::session {

/// From messages to values and back. Decoding never throws: a message that lacks a key or has a wrong type is an Error
/// (the worker answered garbage).
Result<DeviceList> decodeDevices(const Json& json);
Result<std::vector<SampleSummary>> decodeSamples(const Json& json);
Result<Document> decodeDocument(const Json& json);
Result<PlacementView> decodePlacementView(const Json& json);
Result<Snapshot> decodeSnapshot(const Json& json);
Result<Report> decodeReport(const Json& json);
Result<std::vector<Prediction>> decodePredictions(const Json& json);
Result<InputPreview> decodePreview(const Json& json);
Result<ExportResult> decodeExport(const Json& json);

/// *.placement.json (DESIGN.md section 9); the same object travels in messages.
Json encodePlacement(const PlacementDoc& placement);
Result<PlacementDoc> decodePlacement(const Json& json);
/// The parameters of a `run` request, without the model.
Json encodeRun(const RunSpec& spec);
Json encodeReplica(const ReplicaSpec& replica);
/// The parameters of a `deploy` request: a change of the run that goes on.
Json encodeChange(const RunChange& change);

/// A deployment file (DESIGN.md section 9): {"format":"tandem-deployment","version":1,"replicas":[{"device" or
/// "placement","name","threads","streams","batch","preferred","delay_ms","target_ms"}],"route","scenario","batches",
/// "duration_s","bulk_share"}. `where` names it.
Json encodeDeployment(const RunSpec& spec);
Result<RunSpec> decodeDeployment(const Json& json, const std::string& where);

Json encodeError(const Error& error);
Error decodeError(const Json& json);

/// Parses untrusted text: nesting at most 64, no exception.
Result<Json> parseJson(std::string_view text, std::string_view where);

/// The `tandem` command line that does the same run: shell-quoted, for "Copy as command".
std::string runCommand(const Document& document, const RunSpec& spec, const std::string& cores);

} // namespace tandem::session
