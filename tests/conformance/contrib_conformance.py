#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares com.microsoft operators with ONNX Runtime, for which no published test data exist.

    contrib_conformance.py TANDEM_PROGRAM DEVICE [CASE...]

contrib_cases.py and transformer_cases.py write the cases with the Python that TANDEM_PYTHON names (`./dev test` sets it), else with this one;
`tandem verify` judges them. Exit code 77, which CTest reports as skipped, where ONNX Runtime is not installed or the
device is absent.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PYTHON = os.environ.get("TANDEM_PYTHON", sys.executable)
HERE = pathlib.Path(__file__).resolve().parent
# atol and rtol by group: see contrib_cases.py.
TOLERANCES = {"float": (1e-5, 1e-3), "half": (4e-3, 4e-3), "step": (1.0, 0.0), "dynamic": (1e-2, 1e-2)}
# One step of an 8 bit result is allowed, but only ties may come out so: most cases must be exact.
MOST_INEXACT_SHARE = 0.1


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def verify(program, folder, device, atol, rtol):
    done = subprocess.run([program, "verify", str(folder), "--device", device, "--atol", str(atol), "--rtol", str(rtol),
                           "--json"], capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(f"tandem verify gave exit code {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def main():
    program, device, wanted = sys.argv[1], sys.argv[2], sys.argv[3:]
    if subprocess.run([PYTHON, "-c", "import numpy, onnx, onnxruntime"], capture_output=True, check=False).returncode:
        skip(f"{PYTHON} has no numpy, onnx and onnxruntime; `./dev test` installs them")
    listed = json.loads(subprocess.run([program, "devices", "--json"], capture_output=True, text=True, check=True).stdout)
    if device not in [each["id"] for each in listed["devices"]]:
        skip(f"this machine has no {device}")
    bad = 0
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([PYTHON, str(HERE / "contrib_cases.py"), scratch, *wanted], check=True)
        if not wanted:
            subprocess.run([PYTHON, str(HERE / "transformer_cases.py"), scratch], check=True, stderr=subprocess.DEVNULL)
        for group, (atol, rtol) in TOLERANCES.items():
            folder = pathlib.Path(scratch) / group
            if not folder.is_dir():
                continue
            report = verify(program, folder, device, atol, rtol)
            cases = report["cases"]
            failed = [case for case in cases if case["status"] != "passed"]
            inexact = [case for case in cases if case["max_abs_error"] > 0] if group == "step" else []
            worst = max(case["max_abs_error"] for case in cases)
            print(f"{group}: {report['passed']} of {len(cases)} cases pass, largest difference {worst:.3g}"
                  + (f", {len(inexact)} not exact" if group == "step" else ""))
            for case in failed:
                print(f"  {case['name']}: {case['status']}, {case['max_abs_error']:.3g}: {case['reason']}")
            if len(inexact) > MOST_INEXACT_SHARE * len(cases) and not wanted:
                print(f"  more than {MOST_INEXACT_SHARE:.0%} of the cases are off by a step:",
                      ", ".join(case["name"] for case in inexact))
                bad += 1
            bad += len(failed)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
