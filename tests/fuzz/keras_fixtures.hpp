// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <string>

namespace tandem::fuzz {

inline constexpr std::size_t kKerasFixtures = 8;

/// The file of fixture `index` (modulo kKerasFixtures) in tests/formats/keras/data.
std::string kerasFixture(std::size_t index);

/// Its architecture, as JSON.
std::string configOf(std::size_t index);

/// The same file with another architecture and the same weights.
std::string fixtureWithConfig(std::size_t index, const std::string& config);

} // namespace tandem::fuzz
