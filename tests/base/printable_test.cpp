// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/printable.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(Printable, LeavesTextOfAnyLanguageAlone) {
  for (const char* text : {"", "conv1/weights", "größe", "\xe5\xb1\x82", "\xf0\x9f\x98\x80", "<img src=x>", "../a"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, TakesAwayWhatActsOnATerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\r\nc\td\x7f"), "a [31mb  c d ");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "31m"),
            "a 31m"); // C1: CSI in one character
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a b");
}

TEST(Printable, TakesAwayWhatTurnsTextRoundOrBreaksLines) {
  for (const char* mark : {"\xe2\x80\xae", "\xe2\x80\xaa", "\xe2\x80\x8f", "\xe2\x81\xa6", "\xe2\x81\xa9", "\xd8\x9c",
                           "\xe2\x80\xa8", "\xe2\x80\xa9"})
    EXPECT_EQ(printable(std::string("a") + mark + "b"), "a b");
}

TEST(Printable, ReplacesBytesThatAreNoUtf8) {
  const std::string replacement = "\xef\xbf\xbd";
  EXPECT_EQ(printable("a\x9b"
                      "31m"),
            "a" + replacement + "31m"); // CSI to a terminal of eight bits
  EXPECT_EQ(printable("\xff\xfe"), replacement + replacement);
  EXPECT_EQ(printable("\xc0\x9b"), replacement + replacement);                   // overlong ESC
  EXPECT_EQ(printable("\xed\xa0\x80"), replacement + replacement + replacement); // a surrogate
  EXPECT_EQ(printable("cut\xe2\x80"), "cut" + replacement + replacement);
}

} // namespace
} // namespace tandem
