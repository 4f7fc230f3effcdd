// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/gallery/weights.hpp"

#include <cmath>

namespace tandem::gallery {

WeightStream::WeightStream(std::string_view name) : m_state(0xcbf29ce484222325u) {
  for (char c : name) m_state = (m_state ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
}

std::uint64_t WeightStream::next() {
  std::uint64_t z = m_state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

float WeightStream::normal() {
  std::int64_t sum = 0;
  for (int draw = 0; draw < 3; ++draw) {
    const std::uint64_t bits = next();
    sum += static_cast<std::int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
  }
  // Twelve uniform numbers on 0..65535: mean 12 * 65535 / 2, variance 12 * (65536^2 - 1) / 12, deviation 65536.
  return static_cast<float>(sum - 6 * 65535) * (1.0f / 65536.0f);
}

Tensor heNormal(std::string_view name, Shape shape, std::int64_t fanIn) {
  return normal(name, std::move(shape), 0, std::sqrt(2.0f / static_cast<float>(fanIn)));
}

Tensor lecunNormal(std::string_view name, Shape shape, std::int64_t fanIn) {
  return normal(name, std::move(shape), 0, std::sqrt(1.0f / static_cast<float>(fanIn)));
}

Tensor normal(std::string_view name, Shape shape, float mean, float deviation) {
  Tensor tensor = Tensor::uninitialized({DataType::Float32, std::move(shape)});
  WeightStream stream(name);
  for (float& value : tensor.mutableAs<float>()) value = mean + deviation * stream.normal();
  return tensor;
}

} // namespace tandem::gallery
