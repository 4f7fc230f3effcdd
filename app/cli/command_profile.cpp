// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"
#include "engine/session/profile_types.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct ProfileOptions {
  std::string model, placement, mode = "compiled", precision = "model";
  std::vector<std::string> devices;
  int batch = 1, repeat = 20, threads = 0;
  bool roofline = false;
};

std::string nameOf(const session::LayerTime& layer, const session::Document& document) {
  const std::string& name = document.nodes[static_cast<std::size_t>(layer.node)].name;
  return layer.nodes.size() > 1 ? name + " +" + std::to_string(layer.nodes.size() - 1) : name;
}

/// `text` in `columns` bytes at most, without its middle.
std::string shortened(const std::string& text, std::size_t columns) {
  if (text.size() <= columns) return text;
  const std::size_t tail = columns * 2 / 3 - 2;
  std::size_t head = columns - tail - 2, end = text.size() - tail;
  const auto isInside = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  while (head > 0 && isInside(head)) --head;
  while (end < text.size() && isInside(end)) ++end;
  return text.substr(0, head) + ".." + text.substr(end);
}

/// Three digits at the most that tell something: 1234, 56.0, 0.12, 0.003.
std::string rate(const std::optional<double>& value) {
  if (!value) return "-";
  return *value < 0.0005 ? "<0.001"
                         : formatNumber(*value, *value < 0.095  ? 3
                                                : *value < 0.95 ? 2
                                                : *value < 999  ? 1
                                                                : 0);
}

std::string percent(const std::optional<double>& fraction) {
  if (!fraction) return "-";
  return *fraction < 0.0005 ? "<0.1 %" : formatNumber(*fraction * 100, *fraction < 0.0995 ? 1 : 0) + " %";
}

void printTimes(const session::Profile& profile, const session::Document& document) {
  Table table({"layer", "op", "asked", "device", "kernel", "mean", "min"},
              {false, false, false, false, false, true, true});
  for (const session::LayerTime& each : profile.times)
    table.add({nameOf(each, document), document.nodes[static_cast<std::size_t>(each.node)].op, each.requested,
               each.device, each.kernel, formatMs(each.meanMs), formatMs(each.minMs)});
  table.print();
}

/// What is lost against the roof comes first; layers without one follow, the slowest first.
std::vector<const session::LayerTime*> byLostTime(const session::Profile& profile) {
  std::vector<const session::LayerTime*> layers;
  for (const session::LayerTime& each : profile.times)
    if (each.medianMs > 0) layers.push_back(&each);
  const auto lost = [](const session::LayerTime& layer) { return layer.medianMs - *layer.roofMs; };
  std::stable_sort(layers.begin(), layers.end(), [&](const auto* a, const auto* b) {
    if (a->roofMs.has_value() != b->roofMs.has_value()) return a->roofMs.has_value();
    return a->roofMs ? lost(*a) > lost(*b) : a->medianMs > b->medianMs;
  });
  return layers;
}

/// At most 100 columns wide: the device has one where there are several.
void printRoofline(const session::Profile& profile, const session::Document& document) {
  const bool several = profile.peaks.size() > 1;
  const std::size_t nameColumns = several ? 22 : 30, opColumns = several ? 9 : 14;
  std::vector<std::string> header{"layer", "op", "device", "median", "GFLOP/s", "GB/s", "FLOP/B", "limit", "of roof"};
  std::vector<bool> right{false, false, false, true, true, true, true, false, true};
  if (!several) {
    header.erase(header.begin() + 2);
    right.erase(right.begin() + 2);
  }
  Table table(header, right);
  for (const session::LayerTime* each : byLostTime(profile)) {
    std::vector<std::string> row{shortened(nameOf(*each, document), nameColumns),
                                 shortened(document.nodes[static_cast<std::size_t>(each->node)].op, opColumns)};
    if (several) row.push_back(each->device);
    for (std::string& cell : std::vector<std::string>{
             formatMs(each->medianMs), rate(each->gflopPerS), rate(each->gbPerS), rate(each->flopPerByte),
             each->roof.empty() ? "-" : each->roof, percent(each->roofFraction)})
      row.push_back(std::move(cell));
    table.add(std::move(row));
  }
  table.print();
  std::printf("\nThe layer that loses most time against its roof comes first. Over 100 %%: the kernel does fewer\n"
              "operations than the direct algorithm (Winograd), computes in bytes, or finds its data in a cache.\n");
}

void printPeaks(const session::Profile& profile) {
  std::printf("\n");
  for (const session::DevicePeaks& each : profile.peaks) {
    std::string line = each.device;
    if (each.threads > 0) line += ", " + std::to_string(each.threads) + (each.threads > 1 ? " threads" : " thread");
    if (each.gflops && each.memoryGbPerS)
      line += ": " + formatNumber(*each.gflops) + " GFLOP/s, " + formatNumber(*each.memoryGbPerS) + " GB/s measured";
    else
      line += ": no peaks (" + each.problem + ")";
    std::printf("%s\n", line.c_str());
  }
}

/// "CPU:0: whole model 33.5 ms, 245.0 GFLOP/s = 92 % of the measured peak; layers at 90 % of their roofs"
void printShares(const session::Profile& profile) {
  for (const session::ProfileTotal& each : profile.totals) {
    std::string line = each.device + ": whole model " + formatMs(each.medianMs);
    constexpr double kWorthTelling = 0.05;
    if (each.gflopPerS >= kWorthTelling) {
      line += (each.unknownLayers > 0 ? ", at least " : ", ") + formatNumber(each.gflopPerS) + " GFLOP/s";
      if (each.peakFraction) line += " = " + percent(each.peakFraction) + " of the measured peak";
    }
    if (each.roofFraction) line += "; layers at " + percent(each.roofFraction) + " of their roofs, weighted by time";
    if (each.unknownLayers > 0)
      line += "; " + std::to_string(each.unknownLayers) +
              (each.unknownLayers > 1 ? " layers have no known cost" : " layer has no known cost");
    std::printf("%s\n", line.c_str());
  }
}

void print(const session::Profile& profile, const session::Document& document, bool roofline) {
  if (roofline)
    printRoofline(profile, document);
  else
    printTimes(profile, document);
  std::printf("\n");
  Table totals({"asked", "whole model", "transfers", "compile", "placement"}, {false, true, true, true, false});
  for (const session::ProfileTotal& each : profile.totals)
    totals.add({each.device, formatMs(each.medianMs), formatMs(each.transferMs), formatMs(each.compileMs),
                each.summary + (each.precision == "model" ? "" : ", " + each.precision)});
  totals.print();
  if (!roofline) {
    std::printf("\n--roofline measures the devices, too, and shows each layer's share of what they can do\n");
    return;
  }
  printPeaks(profile);
  printShares(profile);
}

Result<Json> askFor(Client& client, const ProfileOptions& options, int handle) {
  Json params{{"handle", handle},
              {"batch", options.batch},
              {"repeat", options.repeat},
              {"threads", options.threads},
              {"mode", options.mode},
              {"probe", options.roofline},
              {"precision", options.precision}};
  if (options.placement.empty())
    params["devices"] = options.devices;
  else
    TANDEM_TRY(addPlacement(params, options.devices.empty() ? "" : options.devices.front(), options.placement));
  return client.call(session::method::kProfile, params);
}

int profile(const CommonOptions& common, const ProfileOptions& options) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  auto opened = (*client)->call(session::method::kOpen, {{"model", options.model}});
  if (!opened) return fail(opened.error(), common.json);
  auto document = session::decodeDocument(*opened);
  if (!document) return fail(document.error(), common.json);
  auto reply = askFor(**client, options, document->handle);
  if (!reply) return fail(reply.error(), common.json);
  const auto decoded = session::decodeProfile(*reply, document->nodes.size());
  if (!decoded) return fail(decoded.error(), common.json);
  if (common.json) {
    for (Json& each : (*reply)["times"]) {
      const auto& node = document->nodes[each.at("node").get<std::size_t>()];
      each["name"] = node.name;
      each["op"] = node.op;
    }
    printJson(*reply);
    return 0;
  }
  print(*decoded, *document, options.roofline);
  return 0;
}

} // namespace

void addProfile(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("profile", "time every layer on devices");
  auto options = std::make_shared<ProfileOptions>();
  sub->add_option("MODEL", options->model, "model file or sample:NAME")->required();
  sub->add_option("--device", options->devices, "device to measure; may be given several times; default all");
  sub->add_option("--placement", options->placement, "placement file: every layer where it puts it");
  sub->add_option("--batch", options->batch, "items per execution")->check(CLI::Range(1, 4096));
  sub->add_option("--repeat", options->repeat, "executions to measure")->check(CLI::Range(1, 10000));
  sub->add_option("--threads", options->threads, "threads per kernel on native CPUs; 0 = all cores of the device");
  sub->add_option("--precision", options->precision, "model or float16: weights as halves (OpenCL)")
      ->check(CLI::IsMember({"model", "float16"}));
  sub->add_option("--mode", options->mode, "compiled or eager")->check(CLI::IsMember({"compiled", "eager"}));
  sub->add_flag("--roofline", options->roofline,
                "measure what the devices can do (about a second each) and show each layer's share of it");
  sub->callback([&common, &command, options] { command = [&common, options] { return profile(common, *options); }; });
}

} // namespace tandem::cli
