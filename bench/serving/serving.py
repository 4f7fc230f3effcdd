#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicting on several devices at once, beside what other runtimes do for the same job, with goals that are judged: in every
round each contender runs once, pinned, and tables show medians and ratios of what ran in the same round. README.md says more."""
import argparse
import copy
import json
import os
import pathlib
import subprocess
import sys
import time

from runs import Sitting

from compare import WARMUP_S, choose, environment
from contenders import Failed, all_contenders
from copies import measure_copies
from costs import measure_trace, router_figures, soak
from machine import moment, others, siblings, warnings, watch
from pipelines import measure_pipeline
from report import render
from splits import measure_split
from zoo import select

TABLES = ["copies", "split", "pipeline", "trace", "router", "soak"]
PEERS = ["ort", "openvino", "openvino_auto", "tensorflow"]


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tandem", help="the program; its folder holds serving_bench")
    parser.add_argument("--models", default="squeezenet,resnet50", help="names, groups or files as of ./dev bench models; the "
                        "first one is traced, the last one cut in two (default: %(default)s)")
    parser.add_argument("--peers", default="ort,openvino,openvino_auto",
                        help=f"{','.join(PEERS)}; all: every one, TensorFlow too, a download of 1.6 GB (default: %(default)s)")
    parser.add_argument("--batch", default="16,64", help="to be split over two devices (default: %(default)s)")
    parser.add_argument("--tables", default=",".join(TABLES), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="per contender and round, or as long as 100 predictions take")
    parser.add_argument("--soak", type=float, default=60, metavar="SECONDS", help="for how long memory is watched (default: 60)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="keep the raw figures")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the report there, too")
    options = parser.parse_args(arguments)
    for name in ("models", "peers", "tables", "batch"):
        setattr(options, name, [each for each in getattr(options, name).split(",") if each])
    try:
        options.batch = [int(each) for each in options.batch]
    except ValueError as error:
        parser.error(f"--batch takes numbers: {error}")
    options.warmup = WARMUP_S
    unknown = [each for each in options.tables if each not in TABLES]
    if unknown:
        parser.error(f"there is no table '{unknown[0]}': {', '.join(TABLES)}")
    if options.rounds < 1 or min(options.seconds, options.soak) <= 0 or min(options.batch, default=2) < 2 or not options.models:
        parser.error("there is nothing to measure in no round, no time, without a model, or in a batch that cannot be split")
    return options


def contenders_of(program):
    """By name. "opencl" is Tandem's other device, whose results are checked, too."""
    everybody = all_contenders(program)
    auto = copy.copy(everybody["openvino"])
    auto.name, auto.title, auto.module = "openvino_auto", "OpenVINO AUTO, cumulative throughput", "openvino_auto"
    everybody[auto.name] = auto
    return {name: everybody[name] for name in ("tandem", *PEERS, "opencl")}


def second_device(program, cores):
    """OpenCL on the second processor, or None where there is none."""
    done = subprocess.run([program, "devices", "--cores", ";".join(map(str, cores)), "--json"], capture_output=True, text=True)
    try:
        listed = [each["id"] for each in json.loads(done.stdout)["devices"]]
    except (json.JSONDecodeError, KeyError):
        raise SystemExit(f"tandem devices does not answer: {done.stderr.strip()}") from None
    return "OPENCL-CPU:1" if "OPENCL-CPU:1" in listed else None


def least_minutes(options, peers):
    """Roughly, where 100 predictions take no longer than --seconds; `peers` are the contenders that are not Tandem."""
    window = options.seconds + 1.2 * WARMUP_S + 1.2
    tandem = 3 + 2 * (1 + 1 + 3)
    copies = len(options.models) * options.rounds * (tandem + 4 * sum(1 + each.start_s / window for each in peers))
    split = len(options.models) * len(options.batch) * options.rounds * 2 * 3
    windows = {"copies": copies, "split": split, "pipeline": options.rounds * 3, "trace": options.rounds * 4, "router": 5}
    return (sum(windows.get(each, 0) for each in options.tables) * window + options.soak * ("soak" in options.tables)) / 60


def method(options):
    rounds = "1 round" if options.rounds == 1 else f"{options.rounds} rounds"
    return (f"`{' '.join(['./dev bench serving', *sys.argv[2:]])}`: {rounds}, in which everybody ran once, in an "
            f"order that rotates, in processes that were pinned before they loaded anything: alone to one processor, together to "
            f"two, a copy each. A window is {options.seconds:g} s, or 100 predictions, after {WARMUP_S:g} s of warm-up; for split "
            "batches six batches. Traces take twice the rounds; the router and memory over time are measured once. Figures are medians over the rounds; a ratio is taken within "
            "every round, and the median of these is shown with the least and the greatest. Latencies of peers are of calls from "
            "Python. Results were compared with ONNX Runtime's before.")


def rows_of(document, name, calls, keep):
    """One row per call; what cannot be measured is named."""
    for title, call in calls:
        print(f"{name}: {title}", file=sys.stderr, flush=True)
        try:
            document[name].append(call())
        except (Failed, subprocess.SubprocessError) as error:
            document["failed"].append(f"{name}, {title}: {error}")
        keep()


def measure(document, sitting, contenders, models, keep):
    options, program = sitting.options, sitting.program
    ort = next(each for each in contenders if each.name == "ort")
    if "copies" in options.tables:
        rows_of(document, "copies", [(model.name, lambda model=model: measure_copies(sitting, model, contenders))
                                     for model in models], keep)
    if "split" in options.tables:
        rows_of(document, "split", [(f"{model.name} batch {batch}", lambda model=model, batch=batch:
                                     measure_split(sitting, model, batch, ort)) for model in models for batch in options.batch],
                keep)
    tables = {"pipeline": lambda: measure_pipeline(sitting, models[-1], ort),
              "trace": lambda: measure_trace(sitting, models[0], ort),
              "router": lambda: router_figures(program), "soak": lambda: soak(sitting, options.soak)}
    for name, call in tables.items():
        if name not in options.tables:
            continue
        print(name, file=sys.stderr, flush=True)
        try:
            document[name] = call()
        except (Failed, subprocess.SubprocessError) as error:
            document["failed"].append(f"the {name} table: {error}")
        keep()


def main():
    options = options_of(sys.argv[1:])
    program = str(pathlib.Path(options.tandem).resolve())
    cores = tuple(sorted(os.sched_getaffinity(0))[:2])
    if len(cores) < 2:
        raise SystemExit("there is one processor here: two copies cannot have one each")
    second = second_device(program, cores)
    sitting = Sitting(program, cores, options, second or "CPU:1")
    contenders, missing = choose(contenders_of(program), options.peers + (["opencl"] if second else []))
    if not second:
        missing["opencl"] = "this machine has no OPENCL-CPU:1, so CPU:1 stands in for it"
    models = select(options.models)
    before, started = watch(), moment()
    document = {"date": time.strftime("%Y-%m-%d %H:%M"), "method": method(options), "asked": options.tables, "warnings": [],
                "environment": environment([each for each in contenders if each.name != "opencl"]),
                "titles": {each.name: each.title for each in contenders}, "missing": missing, "failed": [], "copies": [],
                "split": [], "pipeline": None, "trace": None, "router": None, "soak": None}
    for name, why in missing.items():
        print(f"{name} does not take part: {why}", file=sys.stderr)
    peers = [each for each in contenders if each.name in PEERS]
    print(f"expected to take {least_minutes(options, peers):.0f} minutes at least", file=sys.stderr)

    def keep():
        """After every row, so that an interrupted run leaves what it found."""
        if options.json:
            options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")

    measure(document, sitting, contenders, models, keep)
    during, after = others(started, moment()), watch()
    document["environment"].update({
        "processors used": f"{cores[0]} and {cores[1]}{', threads of one core' if siblings(cores) else ''}",
        "load before": f"{before['load']:.2f}, others used {before['busy']:.0%}",
        "during": f"others used {during['busy']:.0%}, the machine below took {during['stolen']:.1%}",
        "load after": f"{after['load']:.2f}, others used {after['busy']:.0%}"})
    document["warnings"] = warnings(before, during, after, siblings(cores))
    keep()
    report = render(document)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")
    print(report, end="")


if __name__ == "__main__":
    main()
