// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

int operators(const CommonOptions& common) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  auto reply = (*client)->call(session::method::kOperators, Json::object());
  if (!reply) return fail(reply.error(), common.json);
  if (common.json) return printJson(*reply), 0;
  Table table({"operator", "domain", "versions"});
  for (const Json& each : reply->at("operators")) {
    std::string versions;
    for (const Json& version : each.at("versions")) versions += (versions.empty() ? "" : ", ") + version.dump();
    const std::string domain = each.at("domain");
    table.add({each.at("op"), domain.empty() ? "ai.onnx" : domain, versions});
  }
  table.print();
  return 0;
}

} // namespace

void addOperators(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("operators", "list the operators that models may use, with their versions");
  sub->callback([&common, &command] { command = [&common] { return operators(common); }; });
}

} // namespace tandem::cli
