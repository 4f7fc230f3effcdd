// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace tandem::ui {

/// The whole program: command line, application, window, event loop. Returns the exit code (2: wrong command line or no
/// display).
int runWorkbench(int argc, char** argv);

} // namespace tandem::ui
