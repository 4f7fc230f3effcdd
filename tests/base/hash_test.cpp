// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/hash.hpp"

#include <gtest/gtest.h>

namespace tandem {

// Values from the test suite of Fowler, Noll and Vo.
TEST(Hash, IsFnv1aOf64Bits) {
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325u);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8u);
  EXPECT_EQ(fnv1a("bar", fnv1a("foo")), fnv1a("foobar"));
}

} // namespace tandem
