// SPDX-License-Identifier: GPL-3.0-or-later
// Weights as they are stored: floats, or with -DWEIGHT_HALF halves, which become floats as they are loaded. Every
// device loads halves (OpenCL C 6.12.7); arithmetic on them would need an extension.
#ifdef WEIGHT_HALF
#define WEIGHT half
#define WEIGHT_AT(p, i) vload_half(i, p)
#define WEIGHTS4(i, p) vload_half4(i, p)
#define WEIGHTS16(i, p) vload_half16(i, p)
#else
#define WEIGHT float
#define WEIGHT_AT(p, i) (p)[i]
#define WEIGHTS4(i, p) vload4(i, p)
#define WEIGHTS16(i, p) vload16(i, p)
#endif
