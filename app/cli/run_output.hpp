// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "app/cli/client.hpp"

namespace tandem::cli {

/// A run's report for people, on standard output.
void printReport(const session::Report& report);
/// A study's tables and answers.
void printStudy(const Json& study);

} // namespace tandem::cli
