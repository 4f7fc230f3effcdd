// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/finite_check.hpp"

#include "engine/tensor/element_source.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::detail {
namespace {

constexpr std::size_t kPart = std::size_t{1} << 18; ///< bytes read from a file at once; stays in the second cache

/// Whether floating point numbers, given as their bits, hold NaN or `infinity`. A minus infinity alone is how attention
/// masks say "nothing": common, and no defect.
template <class Bits> bool anyNotFinite(const void* elements, std::size_t bytes, Bits infinity) {
  constexpr std::size_t kChunk = 4096; // short enough to stop early, long enough for vectors
  constexpr Bits kAllButSign = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);
  const auto* at = static_cast<const std::byte*>(elements);
  for (std::size_t left = bytes / sizeof(Bits); left > 0;) {
    const std::size_t count = std::min(left, kChunk);
    unsigned found = 0;
    for (std::size_t i = 0; i < count; ++i) {
      Bits bits;
      std::memcpy(&bits, at + i * sizeof(Bits), sizeof(Bits));
      found |= static_cast<unsigned>(bits == infinity) | static_cast<unsigned>((bits & kAllButSign) > infinity);
    }
    if (found != 0) return true;
    at += count * sizeof(Bits);
    left -= count;
  }
  return false;
}

bool isOdd(DataType type, const void* elements, std::size_t bytes) {
  if (type == DataType::Float32) return anyNotFinite<std::uint32_t>(elements, bytes, 0x7f800000);
  return type == DataType::Float16 && anyNotFinite<std::uint16_t>(elements, bytes, 0x7c00);
}

bool isOddInFile(const Tensor& weights) {
  std::vector<std::byte> part(std::min(kPart, weights.bytes()));
  for (std::size_t at = 0; at < weights.bytes(); at += part.size()) {
    const std::size_t bytes = std::min(part.size(), weights.bytes() - at);
    weights.source()->write(part.data(), at, bytes);
    if (isOdd(weights.type(), part.data(), bytes)) return true;
  }
  return false;
}

} // namespace

void FiniteCheck::add(const Tensor& weights, const std::string& name) {
  if (weights.type() != DataType::Float32 && weights.type() != DataType::Float16) return;
  if (weights.source())
    m_inFile.emplace_back(weights, name);
  else if (isOdd(weights.type(), weights.data(), weights.bytes()))
    m_odd.push_back(name);
}

std::string FiniteCheck::warning() const {
  constexpr std::size_t kMaxNamed = 5;
  std::vector<std::string> odd = m_odd;
  for (const auto& [weights, name] : m_inFile)
    if (isOddInFile(weights)) odd.push_back(name);
  if (odd.empty()) return {};
  std::string names;
  for (std::size_t i = 0; i < std::min(odd.size(), kMaxNamed); ++i)
    names += (names.empty() ? "'" : ", '") + odd[i] + "'";
  return std::to_string(odd.size()) + " weights hold NaN or infinite values: " + names +
         (odd.size() > kMaxNamed ? ", ..." : "");
}

} // namespace tandem::detail
