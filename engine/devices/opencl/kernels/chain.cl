// SPDX-License-Identifier: GPL-3.0-or-later
// What generated chains need beside the formulas. Vectors of 16: float16 for floating point, int16 for int, and int16
// of 0 and -1 for bool, which is what comparisons of vectors give.
#define load16_float(p, i) vload16(0, (p) + (i))
#define load16_int(p, i) vload16(0, (p) + (i))
#define load16_half(p, i) vload_half16(0, (p) + (i))
#define load16_bfloat(p, i) as_float16(convert_uint16(vload16(0, (p) + (i))) << 16)
#define load16_bool(p, i) (convert_int16(vload16(0, (p) + (i))) != 0)
#define fill16_float(p, i) (float16)((p)[i])
#define fill16_int(p, i) (int16)((p)[i])
#define fill16_half(p, i) (float16)(vload_half(i, p))
#define fill16_bfloat(p, i) (float16)(from_bfloat((p)[i]))
#define fill16_bool(p, i) (int16)(-((p)[i] != 0))
#define store16_float(p, i, v) vstore16(v, 0, (p) + (i))
#define store16_int(p, i, v) vstore16(v, 0, (p) + (i))
#define store16_half(p, i, v) vstore_half16_rte(v, 0, (p) + (i))
#define store16_bfloat(p, i, v) vstore16(convert_ushort16(as_uint16(round_bfloat16(v)) >> 16), 0, (p) + (i))
#define store16_bool(p, i, v) vstore16(convert_uchar16(-(v)), 0, (p) + (i))

// A value of 16 bits within a chain: a float that has been rounded as its storage would.
float round_half(float x) {
  ushort bits;
  vstore_half_rte(x, 0, (half*)&bits);
  return vload_half(0, (const half*)&bits);
}
float16 round_half16(float16 x) {
  ushort bits[16];
  vstore_half16_rte(x, 0, (half*)bits);
  return vload_half16(0, (const half*)bits);
}
float round_bfloat(float x) { return from_bfloat(to_bfloat(x)); }
float16 round_bfloat16(float16 x) {
  const uint16 bits = as_uint16(x);
  const uint16 rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
  return as_float16(select(rounded, (bits & 0xffff0000u) | 0x400000u, x != x));
}
