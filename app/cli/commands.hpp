// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "app/cli/client.hpp"

namespace CLI {
class App;
}

namespace tandem::cli {

/// What `main` runs after parsing: set by the callback of the subcommand that was given. Returns the exit code.
using Command = std::function<int()>;

/// Each adds its subcommand to `app`; `common` outlives the parsing, `command` receives the work.
void addDevices(CLI::App& app, const CommonOptions& common, Command& command);
void addModels(CLI::App& app, const CommonOptions& common, Command& command);
void addOperators(CLI::App& app, const CommonOptions& common, Command& command);
void addInspect(CLI::App& app, const CommonOptions& common, Command& command);
void addPredict(CLI::App& app, const CommonOptions& common, Command& command);
void addVerify(CLI::App& app, const CommonOptions& common, Command& command);
void addProfile(CLI::App& app, const CommonOptions& common, Command& command);
void addTune(CLI::App& app, const CommonOptions& common, Command& command);
void addRun(CLI::App& app, const CommonOptions& common, Command& command);
void addCompare(CLI::App& app, const CommonOptions& common, Command& command);
void addExport(CLI::App& app, const CommonOptions& common, Command& command);

} // namespace tandem::cli
