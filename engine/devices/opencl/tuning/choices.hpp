// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::opencl {

/// Something that several kernels can compute, as met while lowering one node.
struct Choice {
  std::string key;                   ///< everything the times of its variants depend on: operator, shapes, fused parts
  std::vector<std::string> variants; ///< names, likeliest first; stable between versions of the program
  std::size_t picked = 0;            ///< index into variants
};

/// Decides between the variants of a choice. Used by one lowering at a time.
class ChoicePolicy {
 public:
  virtual ~ChoicePolicy() = default;
  /// Index into `variants`, of which there are at least two. The first is the one to take where nothing is known.
  virtual std::size_t pick(std::string_view key, std::span<const std::string> variants) = 0;
};

} // namespace tandem::opencl
