// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/exporters/export_files.hpp"
#include "engine/placement/placement_file.hpp"

namespace tandem {

Result<ExportResult> exportPlacementJson(const ExportRequest& request) {
  ExportFiles files;
  files.add(fileStem(request.modelFile) + ".placement.json", toJson(request.placement));
  return ExportResult{TANDEM_TRY(files.write(request)), {}};
}

} // namespace tandem
