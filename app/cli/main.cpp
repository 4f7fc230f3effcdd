// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

int main(int argc, char** argv) {
  using namespace tandem;
  using namespace tandem::cli;
  CommonOptions common;
  Command command;
  CLI::App app{"Place the layers of a neural network on CPU and GPU, run it on both, and measure.", "tandem"};
  app.set_version_flag("--version", TANDEM_VERSION);
  app.require_subcommand(1);
  app.fallthrough(); // common options may stand after the subcommand
  app.add_option("--cores", common.cores,
                 "core sets, \"0;1\" or \"0-3;4-7\" or by name: cores (one set each), halves, \"p;e\" (performance and "
                 "efficiency), numa, packages, l3, all; \"halves,nosmt\" uses one thread per core. Set i is CPU:i (and "
                 "OPENCL-CPU:i). `tandem devices` lists the names this machine has");
  app.add_option(
      "--host-cores", common.hostCores,
      "processors for the threads that feed a GPU, \"1\" or \"0,4-5\", or none; without it, those that --cores "
      "leaves to no device in use");
  app.add_option("--dim", common.dims, "KEY=SIZE for a size that the model leaves open; inspect shows the keys");
  app.add_option("--hide", common.hide, "device that must not be used; may be given several times");
  app.add_option("--memory-limit", common.memoryLimits, "limit of a device, CPU:0=2GiB; may be given several times");
  app.add_option("--tune", common.tuneSeconds,
                 "seconds to spend on first use on finding the fastest kernels of a device (default 0)")
      ->check(CLI::Range(0.0, 86400.0));
  app.add_flag("--isolated", common.isolated, "run the engine in a worker process");
  app.add_flag("--quiet", common.quiet, "no progress");
  app.add_flag("--json", common.json, "print the result as JSON");
  addDevices(app, common, command);
  addModels(app, common, command);
  addOperators(app, common, command);
  addInspect(app, common, command);
  addPredict(app, common, command);
  addVerify(app, common, command);
  addProfile(app, common, command);
  addTune(app, common, command);
  addRun(app, common, command);
  addCompare(app, common, command);
  addExport(app, common, command);

  const bool wantsJson =
      std::any_of(argv + 1, argv + argc, [](const char* text) { return std::string(text) == "--json"; });
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& problem) {
    return fail(makeError(ErrorCode::Usage, problem.what(), {}, "tandem --help shows the commands"), wantsJson);
  }
  return command();
}
