// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "tests/devices/opencl_test_util.hpp"

#include <set>
#include <string>

namespace tandem::test {

/// Runs the graph once with every variant of every choice between kernels, in both families, and compares the outputs
/// with the reference: rtol 1e-3 and `absolute` of the greatest output. Returns the names of all variants that ran.
std::set<std::string> expectEveryVariantSameAsReference(GraphBuilder& builder, Precision precision = Precision::Model,
                                                        double absolute = 1e-4);

} // namespace tandem::test
