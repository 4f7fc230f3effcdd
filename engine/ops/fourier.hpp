// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <complex>
#include <cstdint>
#include <vector>

namespace tandem::ops {

using Complex = std::complex<double>;

/// Discrete Fourier transform of a fixed length. Powers of two by radix 2 (Cooley and Tukey 1965), other lengths as a
/// convolution of such (Bluestein 1970), so that no length is slow. Without scaling in either direction.
class FourierPlan {
 public:
  /// `length` is positive.
  FourierPlan(std::int64_t length, bool inverse);

  /// Transforms `length` numbers in place.
  void run(Complex* data);
  /// Operations of one run, for costs.
  static double flops(std::int64_t length);

 private:
  void transformPowerOfTwo(Complex* data, bool conjugated) const;

  std::size_t m_length;
  std::size_t m_padded;          ///< power of two that the work is done in
  std::vector<Complex> m_roots;  ///< e^(-2 pi i k / padded), k < padded / 2
  std::vector<Complex> m_chirp;  ///< e^(-+ pi i k^2 / length); empty for powers of two
  std::vector<Complex> m_kernel; ///< transform of the conjugate chirp
  std::vector<Complex> m_scratch;
  bool m_inverse;
};

} // namespace tandem::ops
