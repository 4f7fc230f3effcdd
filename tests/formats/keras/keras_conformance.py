#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares `tandem predict` with Keras itself on the models of cases.py, saved as .h5 and as .keras.

Usage: keras_conformance.py TANDEM [--only TEXT] [--apps] [--format h5|keras] [--device D] [--keep FOLDER]
Keras comes from the Python that runs this, or from $TANDEM_KERAS_PYTHON; its backend from KERAS_BACKEND (the numbers are
TensorFlow's and JAX's). Exit code 77: there is no Keras.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parent))
RTOL, ATOL = 1e-3, 1e-5
# TensorFlow takes cubic weights from a table of 1024 entries (resize_bicubic_op.cc), so its own error is larger.
LOOSE = {"bicubic": 2e-3}


def randomize(model, rng, np):
    """Weights that tell mistakes apart: no zeros and ones, variances above zero."""
    values = []
    for variable, value in zip(model.weights, model.get_weights()):
        name = getattr(variable, "path", None) or variable.name
        if value.dtype.kind != "f":
            values.append(value)
        elif "variance" in name or "gamma" in name:
            values.append(rng.uniform(0.5, 1.5, value.shape).astype(value.dtype))
        elif value.ndim <= 1:
            values.append(rng.uniform(-0.3, 0.3, value.shape).astype(value.dtype))
        else:
            fan = max(1, int(np.prod(value.shape[:-1])))
            values.append((rng.standard_normal(value.shape) * fan ** -0.5).astype(value.dtype))
    model.set_weights(values)


def inputs_for(model, rng, np):
    tensors = []
    for tensor in model.inputs:
        shape = [2 if i == 0 and d is None else (9 if d is None else d) for i, d in enumerate(tensor.shape)]
        dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
        if dtype.startswith("int"):
            value = rng.integers(1, 10, shape).astype(dtype)
            value[0, :3] = 0  # what is masked stands in front ...
            value[1, -4:] = 0  # ... or behind
        else:
            value = rng.standard_normal(shape).astype("float32")
            if len(shape) == 3:
                value[0, -2:] = 0
        tensors.append(value)
    return tensors


def predict(tandem, path, tensors, folder, device, np):
    command = [tandem, "predict", str(path), "--output", str(folder), "--device", device, "--json"]
    for i, tensor in enumerate(tensors):
        np.save(folder / f"in{i}.npy", tensor)
        command += ["--input", str(folder / f"in{i}.npy")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError((done.stderr or done.stdout).strip()[-600:])
    found = json.loads(done.stdout)
    return [np.load(file) for file in found["predictions"][0]["output_files"]]


def compare(np, name, expected, actual):
    atol = max([ATOL] + [loose for part, loose in LOOSE.items() if part in name])
    if len(expected) != len(actual):
        return f"{len(actual)} outputs in place of {len(expected)}"
    for want, got in zip(expected, actual):
        want = np.asarray(want)
        if want.shape != got.shape:
            return f"shape {got.shape} in place of {want.shape}"
        if not np.allclose(want.astype("float64"), got.astype("float64"), rtol=RTOL, atol=atol):
            return f"differs by up to {np.abs(want.astype('float64') - got).max():.3g}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tandem")
    parser.add_argument("--only", default="")
    parser.add_argument("--apps", action="store_true")
    parser.add_argument("--format", choices=["h5", "keras"])
    parser.add_argument("--device", default="CPU:0")
    parser.add_argument("--keep")
    options = parser.parse_args()
    other = os.environ.pop("TANDEM_KERAS_PYTHON", "")
    if other:
        os.execv(other, [other, *sys.argv])
    try:
        import numpy as np
        import keras
    except ImportError as error:
        print(f"skipped: {error}")
        return 77
    import cases
    groups = [cases.layer_cases, cases.structure_cases, cases.operation_cases]
    if options.apps:
        groups = [cases.application_cases]
    passed, left_out, failed = 0, [], []
    scratch = tempfile.TemporaryDirectory()
    root = pathlib.Path(options.keep or scratch.name)
    root.mkdir(parents=True, exist_ok=True)
    for group in groups:
        for name, build in group(keras):
            if not re.search(options.only, name):
                continue
            rng = np.random.default_rng(7)
            try:
                model = build()
                randomize(model, rng, np)
                tensors = inputs_for(model, rng, np)
                expected = model(tensors[0] if len(tensors) == 1 else tensors, training=False)
                expected = expected if isinstance(expected, (list, tuple)) else [expected]
                expected = [np.asarray(e) for e in expected]
            except Exception as error:  # this Keras has no such layer or option
                left_out.append((name, str(error).splitlines()[0][:150] if str(error) else type(error).__name__))
                continue
            for suffix in [options.format] if options.format else ["h5", "keras"]:
                folder = root / f"{name}.{suffix}.d"
                folder.mkdir(exist_ok=True)
                path = folder / f"model.{suffix}"
                try:
                    model.save(path)
                except Exception as error:
                    left_out.append((f"{name}.{suffix}", str(error)[:150]))
                    continue
                try:
                    problem = compare(np, name, expected, predict(options.tandem, path, tensors, folder, options.device, np))
                except Exception as error:
                    problem = str(error)
                if problem:
                    failed.append((f"{name}.{suffix}", problem))
                    print(f"FAILED {name}.{suffix}: {problem}", flush=True)
                else:
                    passed += 1
    for name, reason in left_out:
        print(f"left out {name}: {reason}")
    print(f"keras {keras.__version__}: {passed} passed, {len(failed)} failed, {len(left_out)} left out")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
