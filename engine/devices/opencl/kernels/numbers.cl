// SPDX-License-Identifier: GPL-3.0-or-later
// Elements of every storage type as numbers: load_TYPE and store_TYPE, half and bfloat for 16-bit storage.
typedef ushort bfloat;

float from_bfloat(ushort bits) { return as_float((uint)bits << 16); }

// Round to nearest even; NaN stays NaN.
ushort to_bfloat(float value) {
  const uint bits = as_uint(value);
  if (value != value) return (ushort)((bits >> 16) | 0x40);
  return (ushort)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define load_half(p, i) vload_half(i, p)
#define load_bfloat(p, i) from_bfloat((p)[i])
#define load_float(p, i) (p)[i]
#define load_double(p, i) (p)[i]
#define load_char(p, i) (p)[i]
#define load_uchar(p, i) (p)[i]
#define load_short(p, i) (p)[i]
#define load_ushort(p, i) (p)[i]
#define load_int(p, i) (p)[i]
#define load_uint(p, i) (p)[i]
#define load_long(p, i) (p)[i]
#define load_ulong(p, i) (p)[i]
#define store_half(p, i, v) vstore_half_rte((float)(v), i, p)
#define store_bfloat(p, i, v) (p)[i] = to_bfloat((float)(v))
#define store_float(p, i, v) (p)[i] = (float)(v)
#define store_double(p, i, v) (p)[i] = (double)(v)
#define store_char(p, i, v) (p)[i] = (char)(v)
#define store_uchar(p, i, v) (p)[i] = (uchar)(v)
#define store_short(p, i, v) (p)[i] = (short)(v)
#define store_ushort(p, i, v) (p)[i] = (ushort)(v)
#define store_int(p, i, v) (p)[i] = (int)(v)
#define store_uint(p, i, v) (p)[i] = (uint)(v)
#define store_long(p, i, v) (p)[i] = (long)(v)
#define store_ulong(p, i, v) (p)[i] = (ulong)(v)
