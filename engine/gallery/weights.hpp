// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <string_view>

namespace tandem::gallery {

/// Seeded numbers that are the same everywhere: integer arithmetic up to one final multiplication, no libm.
///
/// The stream is splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014),
/// seeded with the FNV-1a hash of a name, so that a layer's weights do not depend on the layers before it. A normal
/// number is the sum of twelve 16-bit uniform ones, shifted and scaled to mean 0 and variance 1 (central limit).
class WeightStream {
 public:
  explicit WeightStream(std::string_view name);
  std::uint64_t next();
  float normal();

 private:
  std::uint64_t m_state;
};

/// He et al. 2015: normal with deviation sqrt(2 / fanIn), which keeps the activations' size through ReLU layers.
Tensor heNormal(std::string_view name, Shape shape, std::int64_t fanIn);
/// LeCun et al. 1998: deviation sqrt(1 / fanIn), for a last layer, which no ReLU follows.
Tensor lecunNormal(std::string_view name, Shape shape, std::int64_t fanIn);
/// Normal around `mean`.
Tensor normal(std::string_view name, Shape shape, float mean, float deviation);

} // namespace tandem::gallery
