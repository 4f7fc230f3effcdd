# SPDX-License-Identifier: GPL-3.0-or-later
"""A model cut in two, half of its time on each of two devices, with three requests in flight against one."""
import json

from layers import ask
from runs import PREDICTIONS, Job

from contenders import Failed, Setting
from rounds import in_turns, long_enough, prepared

REPEATS = 20


def balanced_cut(count, first, second):
    """Where to cut `count` nodes, in the order of the model: {"cut", "first_ms", "second_ms"}; nodes below `cut` run on the
    first device. `first` and `second` are each device's [(nodes that run together, ms)]; none of these is torn apart. None
    where that leaves no cut."""
    torn = {at for nodes, _ in [*first, *second] for at in range(min(nodes) + 1, max(nodes) + 1)}
    best = None
    for cut in range(1, count):
        if cut in torn:
            continue
        before = sum(ms for nodes, ms in first if max(nodes) < cut)
        after = sum(ms for nodes, ms in second if min(nodes) >= cut)
        if best is None or max(before, after) < max(best["first_ms"], best["second_ms"]):
            best = {"cut": cut, "first_ms": before, "second_ms": after}
    return best


def placement(inspected, cut, devices):
    """A placement file (DESIGN.md section 9) from what `tandem inspect --json` says."""
    names = [node["name"] for node in inspected["nodes"]]
    return {"format": "tandem-placement", "version": 1,
            "model": {"name": inspected["model"], "sha256": inspected["sha256"], "nodes": len(names)}, "default": devices[0],
            "rules": [], "nodes": {name: devices[1] for name in names[cut:]}}


def parts_of(profile, device):
    return [(timed["nodes"], timed["median_ms"]) for timed in profile["times"] if timed["device"] == device]


def find_cut(sitting, model):
    """The placement, and what the profile promises of it."""
    devices = ("CPU:0", sitting.second)
    profile = ask(sitting.program, "profile", model, "--cores", ";".join(map(str, sitting.cores)), "--threads", 1, "--repeat",
                  REPEATS, *(word for device in devices for word in ("--device", device)))
    inspected = ask(sitting.program, "inspect", model)
    cut = balanced_cut(len(inspected["nodes"]), *(parts_of(profile, device) for device in devices))
    if cut is None:
        raise Failed("there is no place to cut this model in two")
    totals = {each["device"]: each["median_ms"] for each in profile["totals"]}
    return placement(inspected, cut["cut"], devices), {**cut, "nodes": len(inspected["nodes"]), "whole_ms": totals}


def measure_pipeline(sitting, model, ort):
    with prepared(sitting.program, ort.python, model, 1) as case:
        made, cut = find_cut(sitting, case.file)
        file = case.folder / "halves.placement.json"
        file.write_text(json.dumps(made), encoding="utf-8")
        seconds = long_enough(ort, case, Setting(1, 1), [list(sitting.cores[:1])], sitting.options.seconds, PREDICTIONS)

        def streams():
            report = sitting.run(case.file, [f"{file},streams=3,threads=1"], "--input", case.folder / "inputs.npz", "--no-state",
                                 "--scenario", "closed:6", "--alone", seconds, seconds=max(0.5, seconds / 5))
            if not report.get("pipelines"):
                raise Failed("the report has no pipeline: " + report["replicas"][0]["summary"])
            told = report["pipelines"][0]
            return {"one_items_per_s": told["one_items_per_s"], "many_items_per_s": told["many_items_per_s"],
                    "gain": told["gain"]}

        found = in_turns([Job("streams", streams)], sitting.options.rounds, lambda job: job.measure())
    halves = (cut["first_ms"], cut["second_ms"])
    return {"model": model.name, "devices": ["CPU:0", sitting.second], "cut": cut, "seconds": seconds,
            "bound": sum(halves) / max(halves) if max(halves) > 0 else None, "found": found}

