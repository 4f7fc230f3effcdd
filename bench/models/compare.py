#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole models on Tandem's devices against ONNX Runtime's CPU provider, interleaved: in every round each contender runs
once, and the table shows the median of the rounds' p50. Usage: compare.py TANDEM [--rounds N] [--seconds S] [MODEL...]"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
import time

import numpy
import onnxruntime

TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(int32)": "int32",
         "tensor(int64)": "int64", "tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(bool)": "bool"}
SAMPLES = ["sample:squeezenet", "sample:mobilenet_v2", "sample:resnet50"]


def tandem_p50(program, model, device, seconds, cores, threads):
    command = [program, "run", model, "--replica", f"{device},threads={threads}", "--scenario", "single-stream",
               "--duration", str(seconds), "--warmup", "0.3", "--json"]
    if cores:
        command += ["--cores", cores]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return report["latency_ms"]["p50"]


def shapes_of(program, file):
    """What Tandem runs: open sizes have been chosen."""
    found = json.loads(subprocess.run([program, "inspect", file, "--json"], capture_output=True, text=True, check=True).stdout)
    return {each["name"]: each["shape"] for each in found["inputs"]}


class OrtModel:
    def __init__(self, file, threads, cpus, shapes):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.cpus = cpus
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        random = numpy.random.default_rng(1)
        self.inputs = {}
        for each in self.session.get_inputs():
            shape = shapes[each.name]
            kind = numpy.dtype(TYPES[each.type])
            # Small integers serve as indices and masks.
            values = random.uniform(-1, 1, shape) if kind.kind == "f" else random.integers(0, 2, shape)
            self.inputs[each.name] = values.astype(kind)

    def p50(self, seconds):
        os.sched_setaffinity(0, self.cpus)
        times = []
        for _ in range(3):
            self.session.run(None, self.inputs)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            self.session.run(None, self.inputs)
            times.append((time.perf_counter() - start) * 1e3)
        return statistics.median(times)


def exported(program, model, folder):
    if not model.startswith("sample:"):
        return model
    target = pathlib.Path(folder) / model.split(":")[1]
    subprocess.run([program, "export", model, "--to", "onnxruntime", "-o", target], check=True, capture_output=True)
    return next(target.glob("*.onnx"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tandem")
    parser.add_argument("models", nargs="*", default=SAMPLES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    arguments = parser.parse_args()
    all_cpus = sorted(os.sched_getaffinity(0))
    devices = [d["id"] for d in json.loads(subprocess.run([arguments.tandem, "devices", "--json"], capture_output=True,
                                                          text=True, check=True).stdout)["devices"]]
    others = [d for d in devices if d != "CPU:0"]
    print(f"{time.strftime('%Y-%m-%d')}, {platform.processor() or platform.machine()}, {len(all_cpus)} processors, "
          f"ONNX Runtime {onnxruntime.__version__}; p50 in ms, batch 1, one request in flight, median of "
          f"{arguments.rounds} interleaved rounds of {arguments.seconds:g} s\n")
    print("| model | threads | ONNX Runtime | " + " | ".join(["CPU:0", "ORT / CPU:0", *others]) + " |")
    print("|---|---|---|" + "---|" * (2 + len(others)))
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            file = exported(arguments.tandem, model, folder)
            for threads in sorted({1, min(2, len(all_cpus))}):
                cores = "0" if threads == 1 else ""
                cpus = {all_cpus[0]} if threads == 1 else set(all_cpus)
                peer = OrtModel(file, threads, cpus, shapes_of(arguments.tandem, file))
                times = {"ort": []}
                for _ in range(arguments.rounds):
                    times["ort"].append(peer.p50(arguments.seconds))
                    os.sched_setaffinity(0, all_cpus)
                    for device in ["CPU:0", *others]:
                        times.setdefault(device, []).append(
                            tandem_p50(arguments.tandem, model, device, arguments.seconds, cores, threads))
                median = {name: statistics.median(values) for name, values in times.items()}
                cells = [f"{median['ort']:.2f}", f"{median['CPU:0']:.2f}", f"{median['ort'] / median['CPU:0']:.2f}"]
                cells += [f"{median[device]:.2f}" for device in others]
                print(f"| {pathlib.Path(model).name} | {threads} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
