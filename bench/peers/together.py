#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several copies of one peer in one process, each in a thread of its own. Usage: together.py JOB, where JOB is that of
measure.py, but `cpus` lists the processors of each copy. The copies are made one after another, so that the cost of each is
known, and then predict at the same time. A peer that is `process_wide` has threads that serve all its copies: these share
the processors of all.

Prints "ready", waits for a line, predicts for `seconds` and prints one line of JSON: latencies are of all copies."""
import gc
import importlib
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from measure import figures, memory_bytes, predict_for


def make(module, job):
    """A copy that has predicted once."""
    peer = module.Peer(job)
    peer.run()
    return peer


def timed(peer, seconds):
    """The predictions, and how many there were per second: each copy has its own end."""
    start = time.perf_counter()
    times = predict_for(peer, seconds)
    return times, len(times) / (time.perf_counter() - start)


def main():
    job = json.loads(sys.argv[1])
    job["copies"] = len(job["cpus"])
    everywhere = {cpu for cpus in job["cpus"] for cpu in cpus}
    # Before anything that starts threads is imported, so that they inherit it; likewise each copy's thread below.
    os.sched_setaffinity(0, everywhere)
    module = importlib.import_module(job["peer"])
    wide = getattr(module.Peer, "process_wide", False)
    threads = [ThreadPoolExecutor(1, initializer=os.sched_setaffinity, initargs=(0, everywhere if wide else cpus))
               for cpus in job["cpus"]]
    peers, started_ms, rss, first_ns = [], [], [], 0
    for thread in threads:
        begin = time.monotonic_ns()
        peers.append(thread.submit(make, module, job).result())
        first_ns = first_ns or time.monotonic_ns()
        started_ms.append((time.monotonic_ns() - begin) * 1e-6)
        rss.append(memory_bytes("VmRSS"))
    gc.disable()

    def at_once(seconds):
        running = [thread.submit(timed, peer, seconds) for thread, peer in zip(threads, peers)]
        return [each.result() for each in running]

    at_once(job["warmup"])
    print("ready", flush=True)
    sys.stdin.readline()
    found = at_once(job["seconds"])
    print(json.dumps({**figures([ms for times, _ in found for ms in times], sum(rate for _, rate in found) * job["batch"]),
                      "first_ns": first_ns, "peak_rss_bytes": memory_bytes("VmHWM"), "rss_one_bytes": rss[0],
                      "rss_all_bytes": rss[-1], "first_copy_ms": started_ms[0], "last_copy_ms": started_ms[-1],
                      "note": getattr(peers[-1], "note", "")}), flush=True)


if __name__ == "__main__":
    main()
