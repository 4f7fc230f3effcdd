// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/types.hpp"

namespace tandem::cli {

/// A run's report for people, on standard output.
void printReport(const session::Report& report);

} // namespace tandem::cli
