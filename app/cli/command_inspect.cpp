// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct InspectOptions {
  std::string model, device, placement;
};

Json namesOf(const session::Document& document, const std::vector<int>& values) {
  Json names = Json::array();
  for (int value : values) names.push_back(value < 0 ? "" : document.values[static_cast<std::size_t>(value)].name);
  return names;
}

std::string shapeText(const session::Document& document, const std::vector<int>& values) {
  for (int value : values) {
    if (value < 0) continue;
    const session::TensorSummary& tensor = document.values[static_cast<std::size_t>(value)];
    return tensor.rankKnown ? formatShape(tensor.shape) : "?";
  }
  return "";
}

Json toJson(const session::Document& document, const session::PlacementView& view) {
  Json nodes = Json::array();
  double flops = 0;
  std::int64_t parameters = 0;
  for (std::size_t i = 0; i < document.nodes.size(); ++i) {
    const session::NodeSummary& node = document.nodes[i];
    flops += node.flops;
    nodes.push_back({{"name", node.name},
                     {"op", node.op},
                     {"scope", node.scope},
                     {"inputs", namesOf(document, node.inputs)},
                     {"outputs", namesOf(document, node.outputs)},
                     {"flops", node.flops},
                     {"parameter_bytes", node.parameterBytes},
                     {"activation_bytes", node.activationBytes},
                     {"requested", view.requested[i]},
                     {"effective", view.effective[i]},
                     {"reason", view.reason[i]},
                     {"detail", view.detail[i]}});
  }
  for (const session::TensorSummary& value : document.values)
    if (value.constant) parameters += std::max<std::int64_t>(value.bytes, 0);
  Json io = Json::object();
  auto tensors = [&](const std::vector<int>& values) {
    Json list = Json::array();
    for (int value : values) {
      const session::TensorSummary& tensor = document.values[static_cast<std::size_t>(value)];
      list.push_back({{"name", tensor.name}, {"type", tensor.type}, {"shape", tensor.shape}});
    }
    return list;
  };
  Json freeDims = Json::array();
  for (const session::FreeDimSummary& dim : document.freeDims)
    freeDims.push_back(
        {{"key", dim.key}, {"where", dim.where}, {"size", dim.size}, {"chosen", dim.chosen}, {"reason", dim.reason}});
  return {{"model", document.name},
          {"sha256", document.sha256},
          {"opset", document.opset},
          {"inputs", tensors(document.inputs)},
          {"outputs", tensors(document.outputs)},
          {"free_dims", std::move(freeDims)},
          {"nodes", std::move(nodes)},
          {"totals",
           {{"nodes", document.nodes.size()},
            {"flops", flops},
            {"parameter_bytes", parameters},
            {"transfers", view.transfers.size()},
            {"transfer_bytes", view.transferBytes}}},
          {"summary", view.summary},
          {"unsupported_operators", document.unsupportedOperators},
          {"warnings", document.warnings},
          {"placement_warnings", view.warnings}};
}

void print(const session::Document& document, const session::PlacementView& view) {
  Table table({"node", "op", "output", "FLOPs", "parameters", "device", "why"},
              {false, false, false, true, true, false, false});
  for (std::size_t i = 0; i < document.nodes.size(); ++i) {
    const session::NodeSummary& node = document.nodes[i];
    std::string why = view.reason[i];
    if (!why.empty())
      why += " (asked for " + view.requested[i] + (view.detail[i].empty() ? "" : ": " + view.detail[i]) + ")";
    table.add({node.name, node.op + (node.known ? "" : " (unknown)"), shapeText(document, node.outputs),
               formatFlops(node.flops), formatBytes(node.parameterBytes), view.effective[i], why});
  }
  table.print();
  std::printf("\n%s\n", view.summary.c_str());
  if (!view.transfers.empty())
    std::printf("%zu transfers between devices, %s\n", view.transfers.size(), formatBytes(view.transferBytes).c_str());
  for (const session::FreeDimSummary& dim : document.freeDims)
    std::printf("open size %s = %lld (%s): --dim %s=SIZE\n", dim.key.c_str(), static_cast<long long>(dim.size),
                dim.chosen ? "chosen" : ("guessed, " + dim.reason).c_str(), dim.key.c_str());
  if (!document.sizesProblem.empty())
    std::printf("the guessed sizes do not fit the model: %s\n", document.sizesProblem.c_str());
  for (const std::string& each : document.unsupportedOperators)
    std::printf("unknown operator: %s; the model can be viewed, not run\n", each.c_str());
  for (const auto* warnings : {&document.warnings, &view.warnings})
    for (const std::string& each : *warnings) std::printf("warning: %s\n", each.c_str());
}

int inspect(const CommonOptions& common, const InspectOptions& options) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  auto opened = (*client)->call(session::method::kOpen, {{"model", options.model}});
  if (!opened) return fail(opened.error(), common.json);
  auto document = session::decodeDocument(*opened);
  if (!document) return fail(document.error(), common.json);
  Json params{{"handle", document->handle}};
  if (auto added = addPlacement(params, options.device, options.placement); !added)
    return fail(added.error(), common.json);
  auto reply = (*client)->call(session::method::kPlacement, params);
  if (!reply) return fail(reply.error(), common.json);
  auto view = session::decodePlacementView(*reply);
  if (!view) return fail(view.error(), common.json);
  if (common.json)
    printJson(toJson(*document, *view));
  else
    print(*document, *view);
  return 0;
}

} // namespace

void addInspect(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("inspect", "show the layers of a model and where they run");
  auto options = std::make_shared<InspectOptions>();
  sub->add_option("MODEL", options->model, "model file or sample:NAME")->required();
  sub->add_option("--device", options->device, "put everything on this device");
  sub->add_option("--placement", options->placement, "placement file");
  sub->callback([&common, &command, options] { command = [&common, options] { return inspect(common, *options); }; });
}

} // namespace tandem::cli
