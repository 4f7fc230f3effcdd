// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/lowering.hpp"

namespace tandem::opencl {

/// One way to compute the current node.
struct Candidate {
  std::string family;         ///< ways that differ in sizes only share it
  std::string name;           ///< stable between versions of the program
  double cost = 0;            ///< by a model; only compared with the other candidates of the node
  std::function<void()> emit; ///< launches it
};

/// Asks Lowering::choose about those that the model thinks within half as much again of its best, and about the best
/// of every other family, at most eight; emits the answer. Not empty.
void emitBest(Lowering& lowering, std::string key, std::vector<Candidate> candidates);

/// `name` and `values` as part of a key: " stride2x2".
std::string keyPart(std::string_view name, const std::vector<std::int64_t>& values);

/// Cost of `items` equal work-items where the device runs as many at a time as it has units: the last round may leave
/// some idle.
double costOnUnits(const Lowering& lowering, std::int64_t items, double costOfItem);

} // namespace tandem::opencl
