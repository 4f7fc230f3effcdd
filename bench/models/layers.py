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


def layer(timed, limits):
    """One row of the profile; what was fused runs together. Rates are of the direct algorithm's operations and of the least
    bytes that must move."""
    gflops, gigabytes = timed.get("gflop_per_s", 0), timed.get("gb_per_s", 0)
    others = len(timed["nodes"]) - 1
    return {"name": timed["name"], "op": timed["op"] + (f" +{others}" if others else ""), "kernel": timed["kernel"],
            "ms": timed["median_ms"], "flops": timed.get("flops", 0), "gflops": gflops, "compute": gflops / limits["gflops"],
            "memory": gigabytes / limits["memory_gb_per_s"]}


def layer_shares(program, python, options, core):
    found = []
    for name in MODELS:
        file = Model(name).file(1, python)
        profiles = [ask(program, "profile", file, "--device", "CPU:0", "--cores", core, "--threads", 1, "--repeat", REPEATS,
                        "--roofline") for _ in range(options.rounds)]
        # A peak is what was reached at all.
        limits = {key: max(each["peaks"][0][key] for each in profiles) for key in ("gflops", "memory_gb_per_s")}
        middle = sorted(profiles, key=lambda each: each["totals"][0]["median_ms"])[len(profiles) // 2]
        rows = [layer(timed, limits) for timed in middle["times"] if timed["median_ms"] > 0]
        whole = statistics.median(each["totals"][0]["median_ms"] for each in profiles)
        found.append({"model": name, "limits": limits, "ms": whole, "layers": rows,
                      "gflops": sum(each["flops"] for each in rows) / whole * 1e-6})
    return found
