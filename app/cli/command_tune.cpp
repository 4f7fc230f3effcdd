// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"
#include "engine/session/tune_types.hpp"
#include "engine/session/types.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct TuneFlags {
  std::string model, device, placement, precision = "model";
  int batch = 1, threads = 0;
  double seconds = 60;
  bool again = false, forget = false;
};

std::string formatUs(double us) { return us > 0 ? formatMs(us * 1e-3) : "-"; }

/// "stem/conv", "stem/conv and 3 more".
std::string layersOf(const session::TunedKernel& kernel, const session::Document& document) {
  if (kernel.nodes.empty()) return kernel.key;
  const std::string& first = document.nodes[static_cast<std::size_t>(kernel.nodes.front())].name;
  return kernel.layers > 1 ? first + " and " + std::to_string(kernel.layers - 1) + " more" : first;
}

void printKernels(const session::Tuning& tuning, const session::Document& document) {
  Table table({"layers", "device", "before", "time", "now", "time", "faster"},
              {false, false, false, true, false, true, true});
  std::vector<const session::TunedKernel*> rows;
  for (const session::TunedKernel& each : tuning.kernels) rows.push_back(&each);
  const auto gain = [](const session::TunedKernel* each) { return (each->beforeUs - each->afterUs) * each->layers; };
  std::stable_sort(rows.begin(), rows.end(), [&](const auto* a, const auto* b) { return gain(a) > gain(b); });
  for (const session::TunedKernel* each : rows) {
    std::string faster = "known";
    if (each->measured)
      faster = each->before == each->after || each->afterUs <= 0
                   ? "="
                   : formatNumber(each->beforeUs / each->afterUs, 2) + "x";
    table.add({layersOf(*each, document), each->device, each->before, formatUs(each->beforeUs), each->after,
               formatUs(each->afterUs), faster});
  }
  table.print();
}

void printSegments(const session::Tuning& tuning) {
  std::printf("\n");
  for (const session::TunedSegment& each : tuning.segments) {
    std::string line = each.device + ": ";
    if (each.beforeMs > 0)
      line +=
          "device time " + formatMs(each.beforeMs) + " before, " + formatMs(each.afterMs) + " now (medians, in turn)";
    else
      line += "nothing new to measure";
    line += "; took " + formatNumber(each.seconds) + " s";
    if (!each.complete)
      line += "; the time was over before every kernel was tried: --again with more --seconds tries all";
    std::printf("%s\n", line.c_str());
    for (const std::string& problem : each.problems) std::printf("  %s\n", problem.c_str());
  }
}

void print(const session::Tuning& tuning, const session::Document& document) {
  if (tuning.segments.empty()) {
    std::printf(
        "%s: nothing to choose. Native CPUs measure their kernels by themselves; OpenCL devices have choices for\n"
        "convolutions and matrix products. Ask for one with --device.\n",
        tuning.summary.c_str());
    return;
  }
  printKernels(tuning, document);
  printSegments(tuning);
}

int tune(const CommonOptions& common, const TuneFlags& flags) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  auto opened = (*client)->call(session::method::kOpen, {{"model", flags.model}});
  if (!opened) return fail(opened.error(), common.json);
  auto document = session::decodeDocument(*opened);
  if (!document) return fail(document.error(), common.json);
  Json params{{"handle", document->handle},  {"batch", flags.batch}, {"threads", flags.threads},
              {"seconds", flags.seconds},    {"again", flags.again}, {"forget", flags.forget},
              {"precision", flags.precision}};
  if (auto added = addPlacement(params, flags.device, flags.placement); !added) return fail(added.error(), common.json);
  auto reply = (*client)->call(session::method::kTune, params);
  if (!reply) return fail(reply.error(), common.json);
  const auto tuning = session::decodeTuning(*reply, document->nodes.size());
  if (!tuning) return fail(tuning.error(), common.json);
  if (!common.json) return print(*tuning, *document), 0;
  for (Json& each : (*reply)["kernels"]) {
    Json names = Json::array();
    for (const Json& node : each.at("nodes")) names.push_back(document->nodes[node.get<std::size_t>()].name);
    each["names"] = std::move(names);
  }
  printJson(*reply);
  return 0;
}

} // namespace

void addTune(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("tune", "find the fastest kernels for a model on a device, and remember them");
  auto flags = std::make_shared<TuneFlags>();
  sub->add_option("MODEL", flags->model, "model file or sample:NAME")->required();
  sub->add_option("--device", flags->device, "put everything on this device");
  sub->add_option("--placement", flags->placement, "placement file: every layer where it puts it");
  sub->add_option("--batch", flags->batch, "items per execution")->check(CLI::Range(1, 4096));
  sub->add_option("--threads", flags->threads, "threads per kernel on native CPUs; 0 = all cores of the device");
  sub->add_option("--seconds", flags->seconds, "no further round begins after that time (default 60)")
      ->check(CLI::Range(0.0, 86400.0));
  sub->add_option("--precision", flags->precision, "model or float16, whose kernels are others")
      ->check(CLI::IsMember({"model", "float16"}));
  sub->add_flag("--again", flags->again, "measure what is known from earlier, too");
  sub->add_flag("--forget", flags->forget, "forget first what was ever measured on these devices");
  sub->callback([&common, &command, flags] { command = [&common, flags] { return tune(common, *flags); }; });
}

} // namespace tandem::cli
