// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/window.hpp"

#include <cmath>

namespace tandem::ops {

/// Sums (|x|^p)^(1/p) in double.
class LpNorm {
 public:
  explicit LpNorm(double p) : m_p(p) {}
  void add(double x) { m_sum += m_p == 1 ? std::fabs(x) : (m_p == 2 ? x * x : std::pow(std::fabs(x), m_p)); }
  double value() const { return m_p == 1 ? m_sum : (m_p == 2 ? std::sqrt(m_sum) : std::pow(m_sum, 1 / m_p)); }

 private:
  double m_p;
  double m_sum = 0;
};

/// Attribute p: a float in the first versions of the Lp operators, an integer later, 2 by default. Positive.
inline Result<double> normOrder(const Node& node) {
  const double p = static_cast<double>(node.attributes.getInt("p", 0));
  const double order = p != 0 ? p : static_cast<double>(node.attributes.getFloat("p", 2.0f));
  if (!(order > 0)) return nodeError(node, "p is " + std::to_string(order));
  return order;
}

} // namespace tandem::ops
