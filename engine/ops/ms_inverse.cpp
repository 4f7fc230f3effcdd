// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/unary.hpp"

namespace tandem::ops {
namespace {

/// Gauss-Jordan elimination with the largest pivot of each column, in double precision; false for a singular matrix.
bool invert(std::int64_t n, std::vector<double>& a, std::vector<double>& inverse) {
  const auto at = [n](std::vector<double>& m, std::int64_t i, std::int64_t j) -> double& {
    return m[static_cast<std::size_t>(i * n + j)];
  };
  std::fill(inverse.begin(), inverse.end(), 0.0);
  for (std::int64_t i = 0; i < n; ++i) at(inverse, i, i) = 1;
  for (std::int64_t column = 0; column < n; ++column) {
    std::int64_t pivot = column;
    for (std::int64_t i = column + 1; i < n; ++i)
      if (std::abs(at(a, i, column)) > std::abs(at(a, pivot, column))) pivot = i;
    if (at(a, pivot, column) == 0) return false;
    for (std::int64_t j = 0; j < n && pivot != column; ++j) {
      std::swap(at(a, pivot, j), at(a, column, j));
      std::swap(at(inverse, pivot, j), at(inverse, column, j));
    }
    const double factor = 1 / at(a, column, column);
    for (std::int64_t j = 0; j < n; ++j) at(a, column, j) *= factor, at(inverse, column, j) *= factor;
    for (std::int64_t i = 0; i < n; ++i) {
      const double times = at(a, i, column);
      if (i == column || times == 0) continue;
      for (std::int64_t j = 0; j < n; ++j) {
        at(a, i, j) -= times * at(a, column, j);
        at(inverse, i, j) -= times * at(inverse, column, j);
      }
    }
  }
  return true;
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::size_t rank = x.shape().rank();
  if (rank < 2 || x.shape()[rank - 1] != x.shape()[rank - 2])
    return context.fail("cannot invert " + x.shape().toString() + ", which holds no square matrices");
  if (!isFloating(x.type())) return unsupportedType(context, x.type());
  const std::int64_t n = x.shape()[rank - 1];
  const Elements<double> source(x);
  Results<double> result(TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape())));
  std::vector<double> a(static_cast<std::size_t>(n * n)), inverse(a.size());
  for (std::int64_t at = 0; at < x.elements(); at += n * n) {
    std::copy_n(source.data() + at, a.size(), a.begin());
    if (!invert(n, a, inverse)) return context.fail("a matrix is singular");
    std::copy(inverse.begin(), inverse.end(), result.data() + at);
  }
  result.store();
  return {};
}

} // namespace

// com.microsoft Inverse: of every matrix in the last two axes.
extern const OpDef kMsInverse = {.type = "Inverse",
                                 .domain = "com.microsoft",
                                 .versions = {1},
                                 .infer = inferSameAsInput,
                                 .flops = flopsPerOutputElement,
                                 .reference = reference};

} // namespace tandem::ops
