// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "app/cli/parity.hpp"
#include "app/cli/specs.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct VerifyOptions {
  std::vector<std::string> folders;
  std::string device, placement, mode = "compiled";
  std::optional<double> atol, rtol;
  ParityOptions parity; ///< where `against` is set, MODEL is compared instead
};

/// "12 passed, 0 failed, 1 unsupported; 97.5 % of 80 nodes where they were asked to run".
void printTally(const std::string& head, const Json& tally) {
  const int nodes = tally.value("nodes", 0);
  std::string share;
  if (nodes > 0)
    share = "; " + formatNumber(100.0 * tally.value("native_nodes", 0) / nodes) + " % of " + std::to_string(nodes) +
            " nodes where they were asked to run";
  std::printf("%s%d passed, %d failed, %d unsupported%s\n", head.c_str(), tally.value("passed", 0),
              tally.value("failed", 0), tally.value("unsupported", 0), share.c_str());
}

int compareInstead(const CommonOptions& common, const VerifyOptions& options) {
  if (options.folders.size() != 1 || !options.device.empty() || !options.placement.empty())
    return fail(makeError(ErrorCode::Usage, "--against-device takes one MODEL and no --device or --placement", {},
                          "tandem verify --against-device A,B MODEL --input FILE..."),
                common.json);
  ParityOptions parity = options.parity;
  parity.model = options.folders.front();
  parity.atol = options.atol;
  parity.rtol = options.rtol;
  return compareDevices(common, parity);
}

int verify(const CommonOptions& common, const VerifyOptions& options) {
  if (!options.parity.against.empty()) return compareInstead(common, options);
  if (!options.parity.inputs.empty())
    return fail(makeError(ErrorCode::Usage, "--input goes with --against-device", {},
                          "a DIR brings its own inputs in test_data_set_*"),
                common.json);
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
  if (auto tiers = reply->find("tiers"); tiers != reply->end())
    for (const auto& [tier, tally] : tiers->items()) printTally("tier " + tier + ": ", tally);
  printTally("", *reply);
  return failed > 0 ? 1 : 0;
}

} // namespace

void addVerify(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub =
      app.add_subcommand("verify", "compare results with expected outputs, or two placements with each other");
  auto options = std::make_shared<VerifyOptions>();
  sub->add_option("DIR", options->folders,
                  "folders with model.onnx and test_data_set_*, recurses; one MODEL with --against-device")
      ->required();
  sub->add_option("--device", options->device, "put everything on this device");
  sub->add_option("--placement", options->placement, "placement file");
  sub->add_option("--atol", options->atol, "absolute tolerance, instead of the case's own");
  sub->add_option("--rtol", options->rtol, "relative tolerance, instead of the case's own");
  sub->add_option("--mode", options->mode, "compiled or eager")->check(CLI::IsMember({"compiled", "eager"}));
  ParityOptions& parity = options->parity;
  sub->add_option("--against-device", parity.against,
                  "A,B: compare MODEL on two devices or placement files, layer by layer, worst first; "
                  "A,B,precision=float16: B with weights as halves");
  sub->add_option("--input", parity.inputs, "with --against-device: pictures or tensors; synthetic data otherwise");
  sub->add_option("--preprocess", parity.preprocess, "with --against-device: as for predict");
  sub->add_option("--top", parity.top, "with --against-device: layers to show, 0 = all")->check(CLI::Range(0, 200000));
  sub->add_option("--by", parity.by, "with --against-device: worst by 'layer' alone or by 'total' error so far")
      ->check(CLI::IsMember({"layer", "total"}));
  sub->add_option("--batch", parity.batch, "with --against-device: items of synthetic data")
      ->check(CLI::Range(1, 4096));
  sub->add_option("--seed", parity.seed, "with --against-device: seed of synthetic data");
  sub->callback([&common, &command, options] { command = [&common, options] { return verify(common, *options); }; });
}

} // namespace tandem::cli
