// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tandem {

/// A table of numbers, row by row.
struct CsvTable {
  std::vector<std::string> header; ///< names of the columns; empty where the file has no header row
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<double> values; ///< rows * columns
};

/// Reads comma, semicolon or tab separated numbers (RFC 4180: quoted fields, "" for a quote). The separator is the one
/// of the first line; with semicolons and tabs, a comma may be the decimal point. The first row is a header where one
/// of its fields is no number. Errors: InputRejected with path, line and column.
Result<CsvTable> readCsv(const std::filesystem::path& path);
/// The same from memory; `where` names the source in errors.
Result<CsvTable> readCsv(std::span<const std::byte> bytes, const std::string& where);

} // namespace tandem
