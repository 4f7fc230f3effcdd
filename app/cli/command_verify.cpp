// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct VerifyOptions {
  std::vector<std::string> folders;
  std::string device, placement, mode = "compiled";
  std::optional<double> atol, rtol;
};

int verify(const CommonOptions& common, const VerifyOptions& options) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  Json params{{"dirs", options.folders}, {"mode", options.mode}};
  if (options.atol) params["atol"] = *options.atol;
  if (options.rtol) params["rtol"] = *options.rtol;
  if (auto added = addPlacement(params, options.device, options.placement); !added)
    return fail(added.error(), common.json);
  auto reply = (*client)->call(session::method::kVerify, params);
  if (!reply) return fail(reply.error(), common.json);
  const int failed = reply->value("failed", 0);
  if (common.json) {
    printJson(*reply);
    return failed > 0 ? 1 : 0;
  }
  for (const Json& each : reply->at("cases")) {
    const std::string status = each.at("status");
    if (status == "passed" && common.quiet) continue;
    std::string line = status + "  " + each.at("name").get<std::string>();
    if (status == "passed")
      line += "  max error " + formatNumber(each.at("max_abs_error"), 7);
    else
      line += "  " + each.at("reason").get<std::string>();
    std::printf("%s\n", line.c_str());
  }
  std::printf("%d passed, %d failed, %d unsupported\n", reply->value("passed", 0), failed,
              reply->value("unsupported", 0));
  return failed > 0 ? 1 : 0;
}

} // namespace

void addVerify(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("verify", "compare a device's results with expected outputs");
  auto options = std::make_shared<VerifyOptions>();
  sub->add_option("DIR", options->folders, "folders with model.onnx and test_data_set_*; recurses")->required();
  sub->add_option("--device", options->device, "put everything on this device");
  sub->add_option("--placement", options->placement, "placement file");
  sub->add_option("--atol", options->atol, "absolute tolerance, instead of the case's own");
  sub->add_option("--rtol", options->rtol, "relative tolerance, instead of the case's own");
  sub->add_option("--mode", options->mode, "compiled or eager")->check(CLI::IsMember({"compiled", "eager"}));
  sub->callback([&common, &command, options] { command = [&common, options] { return verify(common, *options); }; });
}

} // namespace tandem::cli
