// SPDX-License-Identifier: GPL-3.0-or-later
// Element type conversion: FROM and TO are type names of numbers.cl. MODE 0: plain (integers wrap), 1:
// floating point to integer, truncated, clamped and NaN to 0, 2: to bool.
#if MODE == 1
#define CONVERTED(x) ((x) != (x) ? (TO)0 : PASTE(PASTE(convert_, TO), _sat_rtz)(x))
#elif MODE == 2
#define CONVERTED(x) ((x) != 0)
#else
#define CONVERTED(x) (x)
#endif

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void convert(__global const FROM* restrict src,
                                                                      __global TO* restrict dst, int count) {
  const int i = get_global_id(0);
  if (i >= count) return;
  PASTE(store_, TO)(dst, i, CONVERTED(PASTE(load_, FROM)(src, i)));
}
