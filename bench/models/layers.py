# SPDX-License-Identifier: GPL-3.0-or-later
"""Where one prediction's time goes, layer by layer, as a share of what the processor and its memory were measured to do in
the same sitting (the roofline of Williams, Waterman and Patterson 2009)."""
import json
import statistics
import subprocess

from contenders import Failed, last_line
from zoo import Model

MODELS = ["resnet50", "mobilenet_v2"]
REPEATS = 30


def ask(program, *words):
    done = subprocess.run([program, *map(str, words), "--json"], capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise Failed(last_line(done.stderr))
    return json.loads(done.stdout)


def probe(program, core):
    """Best of three: a peak is what was reached at all."""
    def once():
        listed = ask(program, "devices", "--probe", "--cores", core)["devices"]
        return next(each for each in listed if each["id"] == "CPU:0")["probe"]

    found = [once() for _ in range(3)]
    return {key: max(each[key] for each in found) for key in ("gflops", "memory_gb_per_s")}


def layer(timed, nodes, limits):
    """One row of the profile: what was fused runs together. Bytes are the least that must move: weights, and the first
    node's input and output."""
    members = [nodes[index] for index in timed["nodes"]]
    ms = timed["mean_ms"]
    flops = sum(each["flops"] for each in members)
    moved = members[0]["activation_bytes"] + sum(each["parameter_bytes"] for each in members)
    gflops, gigabytes = flops / ms * 1e-6, moved / ms * 1e-6
    return {"name": timed["name"], "op": members[0]["op"] + (f" +{len(members) - 1}" if len(members) > 1 else ""),
            "kernel": timed["kernel"], "ms": ms, "flops": flops, "gflops": gflops, "compute": gflops / limits["gflops"],
            "memory": gigabytes / limits["memory_gb_per_s"]}


def layer_shares(program, python, options, core):
    limits = probe(program, core)
    found = []
    for name in MODELS:
        file = Model(name).file(1, python)
        nodes = ask(program, "inspect", file)["nodes"]
        profiles = [ask(program, "profile", file, "--device", "CPU:0", "--cores", core, "--threads", 1, "--repeat", REPEATS)
                    for _ in range(options.rounds)]
        middle = sorted(profiles, key=lambda each: each["totals"][0]["mean_ms"])[len(profiles) // 2]
        rows = [layer(timed, nodes, limits) for timed in middle["times"] if timed["mean_ms"] > 0]
        whole = statistics.median(each["totals"][0]["mean_ms"] for each in profiles)
        found.append({"model": name, "limits": limits, "ms": whole, "layers": rows,
                      "gflops": sum(each["flops"] for each in rows) / whole * 1e-6})
    return found
