// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/printable.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace tandem {
namespace {

/// One character of UTF-8 text (RFC 3629); length 0 where the bytes are none.
struct Character {
  std::size_t length = 0;
  std::uint32_t code = 0;
};

Character characterAt(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead < 0xc2 ? 0u : lead < 0xe0 ? 2u : lead < 0xf0 ? 3u : lead < 0xf5 ? 4u : 0u;
  if (length == 0 || length > text.size()) return {};
  std::uint32_t code = lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool outside = (code >= 0xd800 && code < 0xe000) || code > 0x10ffff;
  return overlong || outside ? Character{} : Character{length, code};
}

/// Control characters (C0, C1, DEL), line and paragraph separators, and the marks that turn text round, with which a
/// name could pretend to be another one (Unicode 15, chapter 23.2).
bool actsOnText(std::uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool separator = code == 0x2028 || code == 0x2029;
  const bool direction = code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
                         (code >= 0x2066 && code <= 0x2069);
  return control || separator || direction;
}

} // namespace

std::string printable(std::string text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f;
  });
  if (plain) return text;
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = std::string_view(text).substr(at);
    const Character character = characterAt(rest);
    if (character.length == 0)
      shown += "\xef\xbf\xbd";
    else if (actsOnText(character.code))
      shown += ' ';
    else
      shown += rest.substr(0, character.length);
    at += std::max<std::size_t>(character.length, 1);
  }
  return shown;
}

} // namespace tandem
