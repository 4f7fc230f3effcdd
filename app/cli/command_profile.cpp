// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct ProfileOptions {
  std::string model, mode = "compiled";
  std::vector<std::string> devices;
  int batch = 1, repeat = 20, threads = 0;
};

void print(const Json& reply, const session::Document& document) {
  Table table({"layer", "op", "asked", "device", "kernel", "mean", "min"},
              {false, false, false, false, false, true, true});
  for (const Json& each : reply.at("times")) {
    const auto& node = document.nodes[each.at("node").get<std::size_t>()];
    const std::size_t fused = each.at("nodes").size();
    table.add({node.name + (fused > 1 ? " +" + std::to_string(fused - 1) : ""), node.op, each.at("requested"),
               each.at("device"), each.at("kernel"), formatMs(each.at("mean_ms")), formatMs(each.at("min_ms"))});
  }
  table.print();
  std::printf("\n");
  Table totals({"asked", "whole model", "transfers", "compile", "placement"}, {false, true, true, true, false});
  for (const Json& each : reply.at("totals"))
    totals.add({each.at("device"), formatMs(each.at("mean_ms")), formatMs(each.at("transfer_ms")),
                formatMs(each.at("compile_ms")), each.at("summary")});
  totals.print();
}

int profile(const CommonOptions& common, const ProfileOptions& options) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  auto opened = (*client)->call(session::method::kOpen, {{"model", options.model}});
  if (!opened) return fail(opened.error(), common.json);
  auto document = session::decodeDocument(*opened);
  if (!document) return fail(document.error(), common.json);
  auto reply = (*client)->call(session::method::kProfile, {{"handle", document->handle},
                                                           {"devices", options.devices},
                                                           {"batch", options.batch},
                                                           {"repeat", options.repeat},
                                                           {"threads", options.threads},
                                                           {"mode", options.mode}});
  if (!reply) return fail(reply.error(), common.json);
  if (common.json) {
    for (Json& each : (*reply)["times"]) each["name"] = document->nodes[each.at("node").get<std::size_t>()].name;
    printJson(*reply);
  } else {
    print(*reply, *document);
  }
  return 0;
}

} // namespace

void addProfile(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("profile", "time every layer on devices");
  auto options = std::make_shared<ProfileOptions>();
  sub->add_option("MODEL", options->model, "model file or sample:NAME")->required();
  sub->add_option("--device", options->devices, "device to measure; may be given several times; default all");
  sub->add_option("--batch", options->batch, "items per execution")->check(CLI::Range(1, 4096));
  sub->add_option("--repeat", options->repeat, "executions to measure")->check(CLI::Range(1, 10000));
  sub->add_option("--threads", options->threads, "threads per kernel on native CPUs; 0 = all cores of the device");
  sub->add_option("--mode", options->mode, "compiled or eager")->check(CLI::IsMember({"compiled", "eager"}));
  sub->callback([&common, &command, options] { command = [&common, options] { return profile(common, *options); }; });
}

} // namespace tandem::cli
