#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `tandem verify` over the shared conformance data and fails on any mismatch, or where fewer cases pass than the
floor says, so that coverage cannot silently drop.

Usage: device_conformance.py TANDEM DATA operators DEVICE FLOOR1,FLOOR2,FLOOR3
           every operator case on one device; at least FLOORi cases of tier i pass
       device_conformance.py TANDEM DATA models MODE PLACEMENT... [--small]
           every real model; MODE is compiled or eager; PLACEMENT is a device id, "other", "alternating" or
           "random:SEED" or "random:FIRST-LAST"; the last three mix CPU:0 and the first other device. --small: the small
           models only
Exit 77 (skipped) where the data or a second device is absent.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

SKIPPED = 77
CORES = ["--cores", "0;1"] if len(os.sched_getaffinity(0)) > 1 else []
SMALL_BYTES = 1 << 20
# Wider than the usual tolerance, with the reason that the pack itself gives.
TOLERANCE = {"magika-v3.3": ["--atol", "5e-3"]}  # ill-conditioned: float32 and double differ by 3.4e-3


def tandem(program, *arguments):
    done = subprocess.run([program, *map(str, arguments), "--json", *CORES], capture_output=True, text=True)
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


def real_models(data, small):
    """The models that have reference outputs, of every format."""
    found = []
    for model in sorted((data / "models").glob("*/*")):
        if model.is_file() and (model.parent / "test_data" / model.stem).is_dir():
            if not small or model.stat().st_size < SMALL_BYTES:
                found.append(model)
    return found


def mixed_placement(nodes, kind, other, file):
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
    file.write_text(json.dumps(placement), encoding="utf-8")
    return file


def alone(model, folder):
    """A folder that holds this one model and its reference data: others may lie beside it in the pack."""
    only = folder / (model.parent.name + "_" + model.stem)
    (only / "test_data").mkdir(parents=True)
    for file in model.parent.iterdir():  # external data lies beside the model
        if file.is_file() and (file == model or file.suffix != model.suffix):
            (only / file.name).symlink_to(file.resolve())
    (only / "test_data" / model.stem).symlink_to((model.parent / "test_data" / model.stem).resolve())
    return only


def report(name, result):
    for case in result["cases"]:
        if case["status"] != "passed":
            print(f"{case['status'].upper()} {name} {case['name']}: {case['reason']} "
                  f"(max relative error {case['max_rel_error']:.2g})")
    print(f"{name}: {result['passed']} passed, {result['failed']} failed, {result['unsupported']} unsupported", flush=True)
    return result["passed"], result["failed"] + result["unsupported"]


def operators(program, data, device, floors):
    result = tandem(program, "verify", data / "operators", "--device", device)
    if "error" in result:
        print(result["error"]["message"])
        return SKIPPED if result["error"]["code"] == "usage" else 1  # the machine lacks the device
    report(device, result)
    status = 1 if result["failed"] else 0
    for tier, floor in enumerate(floors, start=1):
        passed = result["tiers"][str(tier)]["passed"]
        print(f"tier {tier}: {passed} passed, the floor is {floor}")
        if passed < floor:
            status = 1
    return status


def placements(kinds):
    for kind in kinds:
        first, dash, last = kind.partition(":")[2].partition("-")
        if kind.startswith("random") and dash:
            yield from (f"random:{seed}" for seed in range(int(first), int(last) + 1))
        else:
            yield kind


def models(program, data, mode, kinds, small):
    other = second_device(program)
    if other is None and kinds != ["CPU:0"]:
        print("this machine has one device only")
        return SKIPPED
    total = bad = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for model in real_models(data, small):
            nodes = tandem(program, "inspect", model)["nodes"]
            only = alone(model, folder)
            for kind in placements(kinds):
                if kind.startswith(("alternating", "random")):
                    where = ["--placement", mixed_placement(nodes, kind, other, folder / "mixed.placement.json")]
                else:
                    where = ["--device", other if kind == "other" else kind]
                passed, failed = report(f"{model.name} {mode} {kind}", tandem(
                    program, "verify", only, *where, "--mode", mode, *TOLERANCE.get(model.parent.name, [])))
                total, bad = total + passed, bad + failed
    print(f"{total} passed, {bad} failed")
    return 1 if bad or total == 0 else 0


def main(arguments):
    program, data = arguments[0], pathlib.Path(arguments[1])
    if not (data / "operators").is_dir():
        print(f"no conformance data at {data}: skipped")
        return SKIPPED
    if arguments[2] == "operators":
        return operators(program, data, arguments[3], [int(floor) for floor in arguments[4].split(",")])
    kinds = [kind for kind in arguments[4:] if kind != "--small"]
    return models(program, data, arguments[3], kinds, "--small" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
