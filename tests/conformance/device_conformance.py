#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `tandem verify` over the shared conformance data and fails on any mismatch, or where fewer cases pass than the
floor says, so that coverage cannot silently drop.

Usage: device_conformance.py TANDEM DATA operators DEVICE FLOOR1,FLOOR2,FLOOR3 [SHARE]
           every operator case on one device; at least FLOORi cases of tier i pass, and SHARE per cent of the tier 1 and
           2 cases with floating point inputs or outputs run natively: every node on the device that was asked for, but
           for shape arithmetic, which stays on the host by rule
       device_conformance.py TANDEM DATA models MODE PLACEMENT... [--small]
           every real model; MODE is compiled or eager; PLACEMENT is a device id, "other", "alternating" or
           "random:SEED" or "random:FIRST-LAST"; the last three mix CPU:0 and the first other device. --small: the small
           models only
Exit 77 (skipped) where the data or a second device is absent.
"""
import collections
import csv
import json
import os
import pathlib
import random
import re
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


BY_RULE = "shape computation stays on the host"


def native_share(data, result):
    """Prints the natively run share per tier and kind of type, and the reasons of the rest; returns that of tiers 1 and
    2 in floating point."""
    with open(data / "operators" / "manifest.csv", newline="", encoding="utf-8") as file:
        manifest = {row["id"]: row for row in csv.DictReader(file)}
    total, native, reasons = collections.Counter(), collections.Counter(), collections.Counter()
    for case in result["cases"]:
        row = manifest["/".join(case["name"].split("/")[:2])]
        floats = re.search(r"\b(FLOAT|FLOAT16|BFLOAT16|DOUBLE)\b", row["inputs"] + " " + row["outputs"])
        key = (row["tier"], "floating point" if floats else "integers only")
        moved = [node for node in case.get("moved", []) if node["reason"] != BY_RULE]
        total[key] += 1
        native[key] += case["status"] == "passed" and not moved
        if floats and row["tier"] in "12":
            reasons.update({f"{node['op']}: {node['reason']} ({node['detail']})" for node in moved})
    for key in sorted(total):
        print(f"tier {key[0]}, {key[1]}: {native[key]} of {total[key]} native ({100 * native[key] / total[key]:.1f} %)")
    for reason, count in reasons.most_common():
        print(f"  {count} {reason}")
    keys = [key for key in total if key[0] in "12" and key[1] == "floating point"]
    share = 100 * sum(native[key] for key in keys) / max(1, sum(total[key] for key in keys))
    print(f"tiers 1 and 2, floating point: {share:.1f} % native")
    return share


def operators(program, data, device, floors, least_share):
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
    if least_share > 0 and native_share(data, result) < least_share:
        print(f"the natively run share is below {least_share} %")
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
        floors = [int(floor) for floor in arguments[4].split(",")]
        return operators(program, data, arguments[3], floors, float(arguments[5]) if len(arguments) > 5 else 0)
    kinds = [kind for kind in arguments[4:] if kind != "--small"]
    return models(program, data, arguments[3], kinds, "--small" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
