#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One measurement of one peer, in a process of its own. Usage: measure.py JOB, where JOB is JSON:

  peer     module beside this file with a class Peer        threads  per prediction
  cpus     processors to stay on                            seconds, warmup
  model    name; file: its ONNX file; inputs: [{"name", "type", "shape", "file"}]; outputs: [names]; dims: {name: size}
  batch    items per prediction                             save     folder: write the outputs there and stop

Loads, predicts once, warms up, prints "ready", waits for a line, predicts for `seconds` and prints one line of JSON."""
import gc
import importlib
import json
import os
import pathlib
import sys
import time


def memory_bytes(field, process="self"):
    """Of /proc/PID/status: VmHWM is the greatest resident size, VmRSS the present one."""
    for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def predict_for(peer, seconds):
    times = []
    end = time.perf_counter_ns() + int(seconds * 1e9)
    start = time.perf_counter_ns()
    while start < end:
        peer.run()
        now = time.perf_counter_ns()
        times.append((now - start) * 1e-6)
        start = now
    return times


def figures(times, items_per_s):
    """Of single predictions in ms."""
    times = sorted(times) or [0.0]
    at = lambda share: times[int(len(times) * share)]
    return {"count": len(times), "p50": at(0.5), "p99": at(0.99), "mean": sum(times) / len(times), "min": times[0],
            "items_per_s": items_per_s}


def main():
    job = json.loads(sys.argv[1])
    # Before anything that starts threads is imported, so that they inherit it.
    os.sched_setaffinity(0, job["cpus"])
    module = importlib.import_module(job["peer"])
    import_rss = memory_bytes("VmHWM")
    begin = time.monotonic_ns()
    peer = module.Peer(job)
    peer.run()
    first_ns = time.monotonic_ns()
    if "save" in job:
        import numpy
        for i, output in enumerate(peer.outputs()):
            numpy.save(os.path.join(job["save"], f"{i}.npy"), output)
        return
    gc.disable()
    predict_for(peer, job["warmup"])
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    times = predict_for(peer, job["seconds"])
    passed = time.perf_counter() - start
    print(json.dumps({**figures(times, len(times) * job["batch"] / passed), "load_to_first_ms": (first_ns - begin) * 1e-6,
                      "first_ns": first_ns, "peak_rss_bytes": memory_bytes("VmHWM"), "import_rss_bytes": import_rss,
                      "note": getattr(peer, "note", "")}), flush=True)


if __name__ == "__main__":
    main()
