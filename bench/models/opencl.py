#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole models on Tandem's OpenCL back end against ONNX Runtime's CPU provider and OpenCV's OpenCL target, measured as
compare.py measures, with Tandem's native CPU back end as a yardstick, and what opencl_bench says of the device.
bench/README.md says more."""
import json
import pathlib
import subprocess
import sys

from compare import Plan, compare
from contenders import Failed, last_line


def device_figures(program, options):
    """The JSON of opencl_bench, which measures the device without a model."""
    bench = pathlib.Path(program).with_name("opencl_bench")
    if not bench.exists():
        raise Failed(f"{bench.name} is not built: cmake --build --preset release --target {bench.name}")
    done = subprocess.run([bench, "--device", options.device.format(0), "--json"], capture_output=True, text=True, timeout=600)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        raise Failed(f"{bench.name} printed no JSON: {last_line(done.stderr or done.stdout)}") from None


OPENCL = Plan("opencl", "Whole models on OpenCL against their peers", "opencl",
              {"models": "resnet50,squeezenet,mobilenet_v2", "batch": "1", "threads": "1", "peers": "ort,opencv_opencl,tandem",
               "tables": "models,device"},
              {"models": "architectures,real", "batch": "1,8", "threads": "1,2", "peers": "ort,opencv_opencl,tandem",
               "tables": "models,device"},
              goals=(("ort", None, 0.8), ("ort", "resnet50", 0.9), ("opencv_opencl", None, 20)),
              more={"device": device_figures})

if __name__ == "__main__":
    compare(OPENCL, sys.argv[1:])
