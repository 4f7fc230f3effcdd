// SPDX-License-Identifier: GPL-3.0-or-later
// Prepended to every source: activations of fused operators, chosen by -DACT, and index arithmetic.
#ifndef ACT
#define ACT 0
#endif
// The numbers are the order of ops::ActivationKind. x is read several times: pass a variable.
#if ACT == 0
#define ACTIVATE(V, x) (x)
#elif ACT == 1
#define ACTIVATE(V, x) ((x) < (V)(0.0f) ? (V)(0.0f) : (x))
#elif ACT == 2
#define ACTIVATE(V, x) ((x) < (V)(alpha) ? (V)(fmin(alpha, beta)) : ((x) > (V)(beta) ? (V)(beta) : (x)))
#elif ACT == 3
#define ACTIVATE(V, x) ((x) < (V)(0.0f) ? (V)(alpha) * (x) : (x))
#elif ACT == 4
#define ACTIVATE(V, x) ((V)(1.0f) / ((V)(1.0f) + exp(-(x))))
#elif ACT == 5
#define ACTIVATE(V, x) fmax(fmin((V)(alpha) * (x) + (V)(beta), (V)(1.0f)), (V)(0.0f))
#elif ACT == 6
#define ACTIVATE(V, x) ((x)*fmax(fmin((x) * (V)(1.0f / 6.0f) + (V)(0.5f), (V)(1.0f)), (V)(0.0f)))
#elif ACT == 7
#define ACTIVATE(V, x) tanh(x)
#elif ACT == 8
#define ACTIVATE(V, x) ((x) < (V)(0.0f) ? (V)(alpha) * expm1(x) : (x))
#elif ACT == 9
#define ACTIVATE(V, x) ((V)(0.5f) * (x) * ((V)(1.0f) + erf((x) * (V)(0.70710678118654752440f))))
#elif ACT == 10
#define ACTIVATE(V, x) ((x) / ((V)(1.0f) + exp((V)(-alpha) * (x))))
#endif

// Double precision is an extension: asked for only by programs that use it.
#ifdef FLOAT64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

// Tells the host that node `id` met wrong data: `index` is outside an extent of `dim`; dim -1: a division by zero. The
// first report wins.
#define REPORT(status, id, index, dim)                                                                                 \
  if (atomic_cmpxchg(status, 0, id) == 0) {                                                                            \
    (status)[1] = (int)(index);                                                                                        \
    (status)[2] = (int)((long)(index) >> 32);                                                                          \
    (status)[3] = dim;                                                                                                 \
  }

// Adds index * stride for every one of `count` dims, outermost first, of a row-major index.
#define OFFSETS1(index, dims, count, sa, a)                                                                            \
  {                                                                                                                    \
    int rest_ = index;                                                                                                 \
    int d_[8], s_[8];                                                                                                  \
    vstore8(dims, 0, d_);                                                                                              \
    vstore8(sa, 0, s_);                                                                                                \
    for (int k_ = (count)-1; k_ >= 0; --k_) {                                                                          \
      const int i_ = rest_ % d_[k_];                                                                                   \
      rest_ /= d_[k_];                                                                                                 \
      a += i_ * s_[k_];                                                                                                \
    }                                                                                                                  \
  }

// A loop nest of rows of `inner` elements, spread over dim 0 alone (some GPUs take at most 65535 groups in the others):
// the row of this group, and the first of the CHUNK elements of this work-item.
#define ROW_AND_FIRST(inner)                                                                                           \
  const int parts_ = (inner + CHUNK * LX - 1) / (CHUNK * LX);                                                          \
  const int row = get_group_id(0) / parts_;                                                                            \
  const int first = ((get_group_id(0) % parts_) * LX + get_local_id(0)) * CHUNK;
