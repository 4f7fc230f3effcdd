// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::detail {

/// The three facts of a .npy header.
struct NpyHeader {
  std::string descr; ///< "<f4"; empty with `structured`
  bool structured = false;
  bool fortranOrder = false;
  std::vector<std::int64_t> shape;
};

/// Reads the Python dict of numpy.lib.format by a grammar of its own: string keys; values that are strings, True, False
/// or tuples of whole numbers; blanks. Nothing is evaluated. Returns what is wrong; empty where nothing is.
std::string parseNpyHeader(std::string_view text, NpyHeader& header);

} // namespace tandem::detail
