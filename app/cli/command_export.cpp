// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct ExportOptions {
  std::string model, device, placement, target, folder;
  bool overwrite = false;
};

int exportPlacement(const CommonOptions& common, const ExportOptions& options) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  Json params{
      {"model", options.model}, {"to", options.target}, {"folder", options.folder}, {"overwrite", options.overwrite}};
  if (auto added = addPlacement(params, options.device, options.placement); !added)
    return fail(added.error(), common.json);
  auto reply = (*client)->call(session::method::kExport, params);
  if (!reply) return fail(reply.error(), common.json);
  if (common.json) return printJson(*reply), 0;
  auto result = session::decodeExport(*reply);
  if (!result) return fail(result.error(), common.json);
  for (const std::string& file : result->files) std::printf("wrote %s\n", file.c_str());
  for (const std::string& note : result->notes) std::printf("note: %s\n", note.c_str());
  return 0;
}

} // namespace

void addExport(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("export", "write a placement for another runtime");
  auto options = std::make_shared<ExportOptions>();
  sub->add_option("MODEL", options->model, "model file or sample:NAME")->required();
  sub->add_option("--placement", options->placement, "placement file");
  sub->add_option("--device", options->device, "put everything on this device");
  sub->add_option("--to", options->target, "placement or onnxruntime")->required();
  sub->add_option("-o,--output", options->folder, "folder to write to")->required();
  sub->add_flag("--overwrite", options->overwrite, "replace files that exist");
  sub->callback(
      [&common, &command, options] { command = [&common, options] { return exportPlacement(common, *options); }; });
}

} // namespace tandem::cli
