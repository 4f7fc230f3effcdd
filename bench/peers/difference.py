#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far outputs are from the reference's. Usage: difference.py REFERENCE GIVEN, each a JSON list of .npy files. Prints the
worst |a - b| as a share of the reference output's greatest magnitude: NaN where only one has a NaN, and infinite where
shapes or the number of outputs differ."""
import json
import sys

import numpy


def difference(reference, given):
    if reference.shape != given.shape:
        return float("inf")
    if reference.size == 0:
        return 0.0
    a, b = reference.astype(numpy.float64), given.astype(numpy.float64)
    same = (a == b) | (numpy.isnan(a) & numpy.isnan(b))
    return float(numpy.max(numpy.where(same, 0, numpy.abs(a - b)))) / max(float(numpy.nanmax(numpy.abs(a))), 1e-30)


def main():
    reference, given = ([numpy.load(file) for file in json.loads(argument)] for argument in sys.argv[1:3])
    if not reference or len(reference) != len(given):
        print(float("inf"))
    else:
        print(max(difference(a, b) for a, b in zip(reference, given)))


if __name__ == "__main__":
    main()
