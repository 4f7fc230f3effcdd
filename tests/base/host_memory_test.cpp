// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/host_memory.hpp"

#include <gtest/gtest.h>
#include <limits>

namespace tandem {
namespace {

TEST(HostMemory, SmallSizesAreThereAndImpossibleOnesAreNot) {
  EXPECT_GT(availableHostMemory(), 0);
  EXPECT_TRUE(fitsHostMemory(0));
  EXPECT_TRUE(fitsHostMemory(1 << 20));
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(fitsHostMemory(most), availableHostMemory() == most); // where nothing is known, nothing is refused
}

} // namespace
} // namespace tandem
