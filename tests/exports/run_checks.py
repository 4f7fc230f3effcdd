#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports a sample in several placements with the command line and lets ONNX Runtime judge each.

    run_checks.py TANDEM_PROGRAM [MODEL...]

ONNX Runtime is looked for in the Python that TANDEM_PYTHON names (`./dev test` sets it), else in this one. Exit code 77,
which CTest reports as skipped, where it is not installed.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PYTHON = os.environ.get("TANDEM_PYTHON", sys.executable)
CHECK = pathlib.Path(__file__).resolve().parent / "check_onnxruntime.py"
PLACEMENTS = {
    "cpu": {"default": "CPU:0"},
    "gpu": {"default": "GPU:0"},
    "mixed": {"default": "GPU:0", "rules": [{"match": "op:*Pool*", "device": "CPU:0"}]},
}


def main():
    if subprocess.run([PYTHON, "-c", "import numpy, onnx, onnxruntime"], capture_output=True, check=False).returncode:
        print(f"skipped: {PYTHON} has no numpy, onnx and onnxruntime; `./dev test` installs them")
        sys.exit(77)
    program, models = sys.argv[1], sys.argv[2:] or ["sample:squeezenet"]
    with tempfile.TemporaryDirectory() as scratch:
        for model in models:
            for name, wish in PLACEMENTS.items():
                placement = pathlib.Path(scratch) / f"{name}.placement.json"
                placement.write_text(json.dumps({"format": "tandem-placement", "version": 1, **wish}))
                folder = pathlib.Path(scratch) / f"{len(list(pathlib.Path(scratch).iterdir()))}-{name}"
                subprocess.run([program, "export", model, "--placement", str(placement), "--to", "onnxruntime",
                                "-o", str(folder)], check=True)
                original = [] if model.startswith("sample:") else [model]
                print(f"{model}, {name}: ", end="", flush=True)
                subprocess.run([PYTHON, str(CHECK), str(folder), *original], check=True)


if __name__ == "__main__":
    main()
