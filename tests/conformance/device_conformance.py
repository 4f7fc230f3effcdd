#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `tandem verify` over the shared conformance data and fails on any mismatch, or where fewer cases pass than the
floor says, so that coverage cannot silently drop.

Usage: device_conformance.py TANDEM DATA operators DEVICE FLOOR
       device_conformance.py TANDEM DATA models PLACEMENT
PLACEMENT is a device id, "alternating" or "random:SEED"; both mix CPU:0 and the first other device.
Exit 77 (skipped) where the data is absent.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

SKIPPED = 77
CORES = ["--cores", "0;1"] if len(__import__("os").sched_getaffinity(0)) > 1 else []
# Wider than the usual tolerance, with the reason that the pack itself gives.
MODELS = {
    "squeezenet-imagenet": [],
    "ultraface-rfb-320": [],
    "fastestdet-coco": [],
    "mnist-8-cntk": [],
    "dtln-denoise": [],
    "byte-sentence-bilstm": [],
    "stories260k-llama": [],
    "bert-dummy-encoder": [],
    "ppocr-english": [],
    "magika-v3.3": ["--atol", "5e-3"],  # ill-conditioned: float32 and double differ by 3.4e-3
}


def tandem(program, *arguments):
    done = subprocess.run([program, *arguments, "--json", *CORES], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f"tandem {' '.join(map(str, arguments))} printed no JSON (exit {done.returncode}): {done.stderr}")


def second_device(program):
    ids = [device["id"] for device in tandem(program, "devices")["devices"]]
    # On two core sets the other device gets the other set, so that the two do not disturb each other.
    for wanted in ("GPU:0", "OPENCL-CPU:1", "OPENCL-CPU:0", "CPU:1"):
        if wanted in ids:
            return wanted
    return None


def mixed_placement(program, model, kind, other, folder):
    nodes = tandem(program, "inspect", model)["nodes"]
    choice = random.Random(int(kind.split(":")[1])) if kind.startswith("random") else None
    devices = {
        node["name"]: (choice.choice(["CPU:0", other]) if choice else ("CPU:0", other)[index % 2])
        for index, node in enumerate(nodes)
    }
    placement = {
        "format": "tandem-placement",
        "version": 1,
        "model": {"name": "", "sha256": "", "nodes": len(nodes)},
        "default": "CPU:0",
        "rules": [],
        "nodes": devices,
    }
    file = pathlib.Path(folder) / (model.stem + ".placement.json")
    file.write_text(json.dumps(placement), encoding="utf-8")
    return file


def report(name, result):
    for case in result["cases"]:
        if case["status"] == "failed":
            print(f"FAILED {name} {case['name']}: {case['reason']} (max relative error {case['max_rel_error']:.2g})")
    print(f"{name}: {result['passed']} passed, {result['failed']} failed, {result['unsupported']} unsupported")
    return result["passed"], result["failed"]


def operators(program, data, device, floor):
    result = tandem(program, "verify", data / "operators", "--device", device)
    if "error" in result:
        print(result["error"]["message"])
        return SKIPPED if result["error"]["code"] == "usage" else 1  # the machine lacks the device
    passed, failed = report(device, result)
    if passed < floor:
        print(f"only {passed} cases passed, the floor is {floor}")
    return 1 if failed or passed < floor else 0


def models(program, data, kind):
    other = second_device(program)
    if other is None and kind != "CPU:0":
        print("this machine has one device only")
        return SKIPPED
    total = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, tolerance in MODELS.items():
            if kind.startswith(("alternating", "random")):
                for model in sorted((data / "models" / name).glob("*.onnx")):
                    placement = mixed_placement(program, model, kind, other, folder)
                    only = pathlib.Path(folder) / model.stem
                    (only / "test_data").mkdir(parents=True)
                    (only / model.name).symlink_to(model.resolve())
                    source = data / "models" / name / "test_data" / model.stem
                    (only / "test_data" / model.stem).symlink_to(source.resolve())
                    passed, failed = report(f"{model.name} {kind}", tandem(
                        program, "verify", only, "--placement", placement, *tolerance))
                    total, bad = total + passed, bad + failed
            else:
                device = other if kind == "other" else kind
                passed, failed = report(f"{name} {device}", tandem(
                    program, "verify", data / "models" / name, "--device", device, *tolerance))
                total, bad = total + passed, bad + failed
    print(f"{total} passed, {bad} failed")
    return 1 if bad or total == 0 else 0


def main(arguments):
    program, data = arguments[0], pathlib.Path(arguments[1])
    if not (data / "operators").is_dir():
        print(f"no conformance data at {data}: skipped")
        return SKIPPED
    if arguments[2] == "operators":
        return operators(program, data, arguments[3], int(arguments[4]))
    return models(program, data, arguments[3])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
