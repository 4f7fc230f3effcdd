// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/lowering.hpp"
#include "engine/tensor/half.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::opencl {
namespace {

constexpr float kMostHalf = 65504.0f;

std::vector<unsigned char> halvesOf(std::span<const float> values) {
  std::vector<unsigned char> bytes(values.size() * sizeof(std::uint16_t));
  auto* halves = reinterpret_cast<std::uint16_t*>(bytes.data());
  std::transform(values.begin(), values.end(), halves, floatToHalfBits);
  return bytes;
}

} // namespace

bool Lowering::halfWeights(std::size_t i) const {
  if (m_precision != Precision::Float16 || !inputIsConstant(i) || inputDesc(i).type != DataType::Float32) return false;
  const auto [entry, isNew] = m_fitsHalf.try_emplace(m_node->inputs[i], false);
  if (isNew) {
    const auto values = inputTensor(i).as<float>();
    // Also false for what is no number. One such layer in float32 is better than infinite results.
    entry->second = std::all_of(values.begin(), values.end(), [](float x) { return std::abs(x) <= kMostHalf; });
  }
  return entry->second;
}

Ref Lowering::weightInput(std::size_t i) {
  if (!halfWeights(i)) return input(i);
  Ref& stored = m_halves[m_node->inputs[i]];
  if (stored.kind == Ref::Kind::None) stored = weight(halvesOf(inputTensor(i).as<float>()));
  return stored;
}

Ref Lowering::packedWeights(const std::vector<float>& values, bool halves) {
  if (!halves) return weights(values);
  return weight(halvesOf(values));
}

} // namespace tandem::opencl
