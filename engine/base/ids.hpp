// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace tandem {

/// An index that does not convert into an index of another kind. Default-constructed ids are invalid.
template <class Tag> class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::uint32_t index) : m_index(index) {}
  constexpr std::uint32_t index() const { return m_index; }
  constexpr bool valid() const { return m_index != kInvalid; }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  static constexpr std::uint32_t kInvalid = 0xffffffffu;
  std::uint32_t m_index = kInvalid;
};

using NodeId = Id<struct NodeTag>;
using ValueId = Id<struct ValueTag>;

} // namespace tandem

template <class Tag> struct std::hash<tandem::Id<Tag>> {
  std::size_t operator()(tandem::Id<Tag> id) const noexcept { return id.index(); }
};
