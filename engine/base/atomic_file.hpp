// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <filesystem>
#include <string_view>

namespace tandem {

/// Writes `content` so that `file` holds either its old or its new content at any moment, also across a crash: a
/// temporary file in the same folder is written, synced and renamed over it. A symbolic link keeps pointing where it
/// points; a device or a pipe is written in place. Fails with OutputFailed and leaves the old file; the temporary one
/// is removed.
Result<void> writeFileAtomically(const std::filesystem::path& file, std::string_view content);

} // namespace tandem
