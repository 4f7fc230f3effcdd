# SPDX-License-Identifier: GPL-3.0-or-later
"""What serving itself costs: a trace, the path of a request through the router, and memory over time."""
import json
import pathlib
import statistics
import subprocess
import time

from runs import PREDICTIONS, Job, checked, latency

from contenders import Failed, Setting, Tandem, last_line
from measure import memory_bytes
from rounds import in_turns, long_enough, prepared

TRACE_ROUNDS = 2  # times as many rounds: a percent is looked for
SAMPLE_S = 0.5


def measure_trace(sitting, model, ort):
    """Two replicas with `--trace` and without, in turns."""
    with prepared(sitting.program, ort.python, model, 1) as case:
        seconds = long_enough(ort, case, Setting(1, 1), [list(sitting.cores[:1])], sitting.options.seconds, PREDICTIONS)
        trace = case.folder / "trace.json"

        def run(*words):
            report = sitting.run(case.file, ["CPU:0,threads=1", f"{sitting.second},threads=1"], "--input",
                                 case.folder / "inputs.npz", "--no-state", "--scenario", "closed:4", "--alone", 0, *words,
                                 seconds=seconds)
            return {**latency(report), "items_per_s": report["items_per_s"]}

        def traced():
            figures = run("--trace", trace)
            return {**figures, "trace_bytes": trace.stat().st_size}

        found = in_turns([Job("plain", run), Job("traced", traced)], TRACE_ROUNDS * sitting.options.rounds,
                         lambda job: job.measure())
    return {"model": model.name, "devices": ["CPU:0", sitting.second], "seconds": seconds, "found": found}


def router_figures(program):
    """The JSON of serving_bench, which measures the router without a model."""
    bench = pathlib.Path(program).with_name("serving_bench")
    if not bench.exists():
        raise Failed(f"{bench.name} is not built: cmake --build --preset release --target {bench.name}")
    done = subprocess.run([bench], capture_output=True, text=True, timeout=600)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        raise Failed(f"{bench.name} printed no JSON: {last_line(done.stderr or done.stdout)}") from None


def growth(samples):
    """Bytes per minute between the first and the last quarter of [(seconds, bytes)], each by its median."""
    if len(samples) < 8:
        raise Failed(f"{len(samples)} samples of the resident memory say nothing of its growth: give --soak more seconds")
    start, end = samples[0][0], samples[-1][0]
    quarter = (end - start) / 4
    first = [each for each in samples if each[0] <= start + quarter]
    last = [each for each in samples if each[0] >= end - quarter]
    middle = lambda part, at: statistics.median(each[at] for each in part)
    return (middle(last, 1) - middle(first, 1)) / ((middle(last, 0) - middle(first, 0)) / 60)


def late_growth(samples):
    """The same within the second half, when logs and caches have filled; None where that is too short."""
    late = samples[len(samples) // 2:]
    return growth(late) if len(late) >= 8 else None


def soak(sitting, seconds):
    """Resident memory of a program that serves a small model, over time. Start-up and the drain at the end are left out."""
    process = Tandem.start(*sitting.command("sample:mnist", ["CPU:0,threads=1", "CPU:1,threads=1"], "--scenario", "closed:4",
                                            "--alone", 0, seconds=seconds))
    samples = []
    try:
        while process.poll() is None:
            # Between the last look and the end of the process it has no memory to tell.
            size = memory_bytes("VmRSS", process.pid)
            if size:
                samples.append((time.monotonic(), size))
            time.sleep(SAMPLE_S)
        ended = time.monotonic()
        report = checked(Tandem.finish(process))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    kept = [(at, size) for at, size in samples if ended - report["duration_s"] <= at <= ended - 2 * SAMPLE_S]
    return {"seconds": report["duration_s"], "requests": report["requests"], "failed": report["failed"],
            "items_per_s": report["items_per_s"], "samples": [[at - kept[0][0], size] for at, size in kept] if kept else [],
            "first_bytes": kept[0][1] if kept else 0, "last_bytes": kept[-1][1] if kept else 0,
            "growth_bytes_per_min": growth(kept), "late_growth_bytes_per_min": late_growth(kept)}
