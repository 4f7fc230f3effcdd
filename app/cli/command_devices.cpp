// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

void printProbe(const session::DeviceList& list) {
  Table table({"device", "GFLOP/s", "memory GB/s", "to device GB/s", "to host GB/s", "launch us", "round trip us"},
              {false, true, true, true, true, true, true});
  bool any = false;
  for (const session::DeviceSummary& device : list.devices) {
    if (!device.probe) continue;
    any = true;
    const session::Probe& probe = *device.probe;
    table.add({device.id, formatNumber(probe.gflops), formatNumber(probe.memoryGbPerS),
               formatNumber(probe.toDeviceGbPerS), formatNumber(probe.toHostGbPerS), formatNumber(probe.launchUs, 2),
               formatNumber(probe.roundTripUs)});
  }
  if (!any) return;
  std::printf("\nMeasured:\n");
  table.print();
}

/// The processors in a line, and the names for --cores in another.
void printTopology(const CpuTopology& topology) {
  if (topology.empty()) return;
  std::printf("\nprocessor: %s\n", topology.summary().c_str());
  std::string names;
  for (const NamedCoreSets& named : namedCoreSets(topology)) {
    std::string sets = toText(named.sets);
    constexpr std::size_t kShown = 32; // as on a machine with few cores
    if (sets.size() > kShown) sets = std::to_string(named.sets.size()) + " sets";
    names += (names.empty() ? "" : ", ") + named.name + " (" + sets + ")";
  }
  std::printf("core sets for --cores: %s\n", names.c_str());
}

void printDevices(const session::DeviceList& list) {
  Table table({"device", "name", "driver", "units", "memory", "cores", "note"}, {false, false, false, true, true});
  for (const session::DeviceSummary& device : list.devices)
    table.add({device.id + (device.visible ? "" : " (hidden)"), device.name, device.driver,
               std::to_string(device.computeUnits), formatBytes(device.memoryBytes), device.cores, device.note});
  table.print();
  printTopology(list.topology);
  printProbe(list);
  for (const session::DeviceProblem& problem : list.problems)
    std::printf("\nproblem with %s: %s\n", problem.platform.c_str(), problem.message.c_str());
  if (!list.advice.empty()) std::printf("\n%s\n", list.advice.c_str());
}

int devices(const CommonOptions& common, bool probe) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  auto reply = (*client)->call(session::method::kDevices, {{"probe", probe}});
  if (!reply) return fail(reply.error(), common.json);
  if (common.json) return printJson(*reply), 0;
  auto list = session::decodeDevices(*reply);
  if (!list) return fail(list.error(), common.json);
  printDevices(*list);
  return 0;
}

int models(const CommonOptions& common) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  auto reply = (*client)->call(session::method::kModels, Json::object());
  if (!reply) return fail(reply.error(), common.json);
  if (common.json) return printJson(*reply), 0;
  auto samples = session::decodeSamples(*reply);
  if (!samples) return fail(samples.error(), common.json);
  Table table({"model", "title", "description"});
  for (const session::SampleSummary& sample : *samples)
    table.add({"sample:" + sample.name, sample.title, sample.description});
  table.print();
  return 0;
}

} // namespace

void addDevices(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("devices", "list the devices of this machine");
  auto probe = std::make_shared<bool>(false);
  sub->add_flag("--probe", *probe, "measure each device (about a second each)");
  sub->callback([&common, &command, probe] { command = [&common, probe] { return devices(common, *probe); }; });
}

void addModels(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("models", "list the built-in samples");
  sub->callback([&common, &command] { command = [&common] { return models(common); }; });
}

} // namespace tandem::cli
