// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/fourier.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace tandem::ops {
namespace {

Complex unitRoot(double turns) {
  const double angle = 2 * std::numbers::pi * turns;
  return {std::cos(angle), std::sin(angle)};
}

} // namespace

FourierPlan::FourierPlan(std::int64_t length, bool inverse)
    : m_length(static_cast<std::size_t>(length)),
      m_padded(std::has_single_bit(m_length) ? m_length : std::bit_ceil(2 * m_length - 1)),
      m_inverse(inverse) {
  for (std::size_t k = 0; k < m_padded / 2; ++k)
    m_roots.push_back(unitRoot(-static_cast<double>(k) / static_cast<double>(m_padded)));
  if (m_padded == m_length) return;
  const double sign = inverse ? 1 : -1;
  const std::uint64_t period = 2 * static_cast<std::uint64_t>(m_length);
  for (std::size_t k = 0; k < m_length; ++k) {
    const std::uint64_t square = static_cast<std::uint64_t>(k) * k % period; // exact, where k * k as a double is not
    m_chirp.push_back(unitRoot(sign * static_cast<double>(square) / static_cast<double>(period)));
  }
  m_kernel.assign(m_padded, Complex());
  for (std::size_t k = 0; k < m_length; ++k) {
    m_kernel[k] = std::conj(m_chirp[k]);
    if (k > 0) m_kernel[m_padded - k] = m_kernel[k];
  }
  transformPowerOfTwo(m_kernel.data(), false);
  m_scratch.resize(m_padded);
}

void FourierPlan::transformPowerOfTwo(Complex* data, bool conjugated) const {
  for (std::size_t i = 1, j = 0; i < m_padded; ++i) { // bit-reversed order
    std::size_t bit = m_padded >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(data[i], data[j]);
  }
  for (std::size_t half = 1; half < m_padded; half *= 2) {
    const std::size_t stride = m_padded / (2 * half);
    for (std::size_t block = 0; block < m_padded; block += 2 * half)
      for (std::size_t k = 0; k < half; ++k) {
        const Complex root = conjugated ? std::conj(m_roots[k * stride]) : m_roots[k * stride];
        Complex &a = data[block + k], &b = data[block + k + half];
        // Written out: the operator of std::complex checks for infinities.
        const Complex turned(b.real() * root.real() - b.imag() * root.imag(),
                             b.real() * root.imag() + b.imag() * root.real());
        b = a - turned;
        a += turned;
      }
  }
}

void FourierPlan::run(Complex* data) {
  if (m_chirp.empty()) return transformPowerOfTwo(data, m_inverse);
  for (std::size_t k = 0; k < m_length; ++k) m_scratch[k] = data[k] * m_chirp[k];
  std::fill(m_scratch.begin() + static_cast<std::ptrdiff_t>(m_length), m_scratch.end(), Complex());
  transformPowerOfTwo(m_scratch.data(), false);
  for (std::size_t k = 0; k < m_padded; ++k) m_scratch[k] *= m_kernel[k];
  transformPowerOfTwo(m_scratch.data(), true);
  const double scale = 1 / static_cast<double>(m_padded);
  for (std::size_t k = 0; k < m_length; ++k) data[k] = m_scratch[k] * m_chirp[k] * scale;
}

double FourierPlan::flops(std::int64_t length) {
  const auto n = static_cast<double>(std::max<std::int64_t>(2, length));
  return 5 * n * std::log2(n);
}

} // namespace tandem::ops
