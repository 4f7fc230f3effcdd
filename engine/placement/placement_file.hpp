// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/placement/placement.hpp"

#include <filesystem>
#include <span>

namespace tandem {

/// Largest placement file that is read: 200,000 nodes with names of 60 characters fit.
inline constexpr std::int64_t kMaxPlacementFileBytes = std::int64_t{16} << 20;

/// A placement as read from a file, with what a person should know about it.
struct LoadedPlacement {
  Placement placement;
  std::vector<std::string> warnings; ///< unknown keys
};

/// Reads `*.placement.json` (DESIGN.md section 9). The text is untrusted. `where` names it in messages. Fails with
/// InputRejected: too large, not JSON, nested too deep, wrong types, another format, a newer version, a bad rule.
Result<LoadedPlacement> parsePlacement(std::string_view text, const std::string& where);
Result<LoadedPlacement> loadPlacement(const std::filesystem::path& file);

/// The JSON text: keys in the documented order, rules in theirs, nodes by name; the same placement gives the same
/// bytes.
std::string toJson(const Placement& placement);
/// Writes a temporary file in the same folder, syncs it and renames it, so that `file` holds either the old or the new
/// placement at any moment. Fails with OutputFailed (read-only folder, full disk). A file of a newer version is not
/// overwritten.
Result<void> savePlacement(const Placement& placement, const std::filesystem::path& file);

/// What does not fit between a placement and a model with the devices at hand; nothing of it is an error.
struct PlacementCheck {
  bool otherModel = false;                 ///< made for a model with another checksum (or name, where none is known)
  std::vector<std::string> missingNodes;   ///< exact entries for nodes the model does not have
  std::vector<std::string> idleRules;      ///< rules that match no node
  std::vector<std::string> unknownDevices; ///< named by the placement, not in `deviceIds`
  std::vector<std::string> warnings;       ///< the above as sentences
};
PlacementCheck checkPlacement(const Placement& placement, const Graph& graph, const ModelIdentity& model,
                              std::span<const std::string> deviceIds);

} // namespace tandem
