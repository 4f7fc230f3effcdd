# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures without Python, serving and command line: single calls in the two C/C++ APIs, in processes of their own, and
what a fresh process needs until its first result."""
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from contenders import Failed, last_line
from rounds import prepared
from zoo import Model, pack_models

SMALL = ["mnist-8", "dummy_transformer", "chain_1000"]
LARGE = ["resnet50", "vgg19", "bert_base"]


def arguments_of(case):
    words = [str(case.file)]
    for each in case.inputs:
        words += ["--input", each["name"], each["type"], "x".join(map(str, each["shape"])), each["file"]]
    for name in case.outputs:
        words += ["--output", name]
    return words


def call(command, core):
    """One run of a call bench on one core; "first_ms" counts from before the process exists."""
    spawned = time.monotonic_ns()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    if done.returncode:
        raise Failed(last_line(done.stderr))
    found = json.loads(done.stdout)
    found["first_ms"] = (found.pop("first_ns") - spawned) * 1e-6
    return found


def benches(program, ort):
    """{title: the start of a command line}."""
    folder = pathlib.Path(program).parent
    library = next(iter(sorted(ort.venv.glob("lib/python*/site-packages/onnxruntime/capi/libonnxruntime.so.*"))))
    return {"tandem": [folder / "call_bench"], "ort": [folder / "ort_call_bench", "--library", library]}


def medians(runs):
    return {key: statistics.median(each[key] for each in runs) for key in runs[0] if not isinstance(runs[0][key], str)}


def small_calls(program, ort, options, core):
    """Time per call of models that are nearly nothing but calls."""
    real = {each.name: each for each in pack_models()}
    rows = []
    for name in SMALL:
        model = real.get(name) or (Model(name) if name.startswith("chain") else None)
        if not model:
            continue
        with prepared(program, ort.python, model, 1) as case:
            runs = {each: [] for each in ("tandem", "ort")}
            # The chain is there for its steps: compiled, it would be one kernel.
            eager = ["--eager"] if name.startswith("chain") else []
            for _ in range(options.rounds):
                for each, command in benches(program, ort).items():
                    runs[each].append(call([*command, *arguments_of(case), "--seconds", options.seconds, *eager], core))
            rows.append({"model": name, "eager": bool(eager), **{each: medians(found) for each, found in runs.items()}})
    return rows


def predict_once(program, case, core, replicas=1):
    """Wall time and peak memory of the command line for one prediction, process start and end included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic_ns()
        command = [program, "predict", case.file, "--input", case.folder / "inputs.npz", "--no-state", "--device", "CPU:0",
                   "--cores", core, "--output", folder, "--quiet"]
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise Failed(f"tandem predict ended with {process.returncode}")
        return {"first_ms": (time.monotonic_ns() - start) * 1e-6, "peak_rss_bytes": usage.ru_maxrss * 1024}


def replica_memory(program, case, cores):
    """Resident bytes of `tandem run` with one and with two copies of one thread."""
    found = []
    for count in (1, 2):
        command = [program, "run", case.file, "--cores", ";".join(map(str, cores[:count])), "--input",
                   case.folder / "inputs.npz", "--no-state", "--duration", "0.5", "--warmup", "0.2", "--json", "--scenario",
                   f"closed:{count}"]
        for i in range(count):
            command += ["--replica", f"CPU:{i},threads=1"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise Failed(last_line(done.stderr))
        memory = json.loads(done.stdout)["memory"]
        found.append({"rss_bytes": memory["rss_bytes"], "rss_peak_bytes": memory["rss_peak_bytes"],
                      "activations_bytes": sum(each["activations_bytes"] + each["staging_bytes"] for each in memory["devices"])})
    return found


def memory(program, ort, options, cores):
    """Load to first prediction and peak resident memory, one thread, fresh processes."""
    rows = []
    for name in LARGE:
        with prepared(program, ort.python, Model(name), 1) as case:
            runs = {"tandem": [], "ort": [], "predict": []}
            for _ in range(options.rounds):
                for each, command in benches(program, ort).items():
                    runs[each].append(call([*command, *arguments_of(case), "--seconds", 0], cores[0]))
                runs["predict"].append(predict_once(program, case, cores[0]))
            row = {"model": name, "file_bytes": case.file.stat().st_size}
            row.update({each: medians(found) for each, found in runs.items()})
            if len(cores) > 1:
                row["replicas"] = replica_memory(program, case, cores)
            rows.append(row)
    return rows
