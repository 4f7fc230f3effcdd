#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""call_bench computes what the model's reference data says, and tells what it measured. Exit 77 where the data is absent.
Usage: call_bench_test.py CALL_BENCH SHARED_DATA"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

ELEMENTS = 28 * 28


def raw_floats(file, count):
    """The elements of a TensorProto of floats whose raw data is its last field, as they lie there."""
    return file.read_bytes()[-4 * count:]


def main():
    bench, data = sys.argv[1], pathlib.Path(sys.argv[2]) / "models" / "mnist-8-cntk"
    case = data / "test_data" / "mnist-8" / "test_data_set_0"
    if not case.is_dir():
        print(f"{case} is absent")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "input").write_bytes(raw_floats(case / "input_0.pb", ELEMENTS))
        done = subprocess.run([bench, data / "mnist-8.onnx", "--seconds", "0.05", "--save", folder, "--input", "Input3", "float32",
                               "1x1x28x28", folder / "input"], capture_output=True, text=True, check=True)
        report = json.loads(done.stdout)
        given = struct.unpack("10f", (folder / "0.raw").read_bytes())
        expected = struct.unpack("10f", raw_floats(case / "output_0.pb", 10))
        assert all(abs(a - b) <= 1e-3 * max(map(abs, expected)) for a, b in zip(given, expected)), (given, expected)
        assert report["calls"] > 0 and 0 < report["p50_us"] <= report["p99_us"], report
        assert report["steps"] > 0 and report["peak_rss_bytes"] > 0, report
        missing = subprocess.run([bench, data / "mnist-8.onnx"], capture_output=True, text=True)
        assert missing.returncode == 1 and "Input3" in missing.stderr, missing
    return 0


if __name__ == "__main__":
    sys.exit(main())
