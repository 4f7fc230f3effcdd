#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole models on Tandem against other runtimes, in turns: in every round each contender runs once, in a process of its
own, and the tables show medians over the rounds. Without options: a few models in a few minutes. bench/README.md says more."""
import argparse
import dataclasses
import json
import os
import pathlib
import platform
import sys
import time

from calls import memory, small_calls
from contenders import Failed, Setting, all_contenders
from layers import layer_shares
from rounds import measure_model
from tables import render
from zoo import QUICK, select

WARMUP_S = 0.3


@dataclasses.dataclass(frozen=True)
class Plan:
    """One comparison of whole models: what takes part without options, and with --full; `ours` is compared with the others."""
    name: str
    title: str
    ours: str
    quick: dict
    full: dict
    goals: tuple = ()  # of (contender, model or None for all, how many times as fast at least)
    more: dict = dataclasses.field(default_factory=dict)  # tables of its own: {name: a function of program and options}

    @property
    def tables(self):
        return {"models", "memory", "calls", "layers", *self.more}


MODELS = Plan("models", "Whole models against their peers", "tandem",
              {"models": ",".join(QUICK), "batch": "1", "threads": "1", "peers": "ort,openvino", "tables": "models,calls"},
              {"models": "architectures,bytes,layers,real", "batch": "1,8", "threads": "1,2,2x1", "peers": "all,eager",
               "tables": "models,memory,calls,layers"})


def options_of(arguments, plan=MODELS):
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("tandem", help="the program; its folder holds call_bench and ort_call_bench")
    parser.add_argument("--quick", action="store_true", help="what happens without options")
    parser.add_argument("--full", action="store_true", help=f"the same as {' '.join(f'--{k} {v}' for k, v in plan.full.items())}")
    parser.add_argument("--models", help="names or groups: quick, architectures, bytes, layers, real, all; or files")
    parser.add_argument("--batch", help="1,8; models of the pack have the batch they have")
    parser.add_argument("--threads", help="1,2,2x1; 2x1 is two copies of one thread")
    parser.add_argument("--peers", help="ort,openvino,opencv,pytorch,tensorflow,eager,opencl,opencv_opencl; all: every runtime "
                        "that computes on the processor")
    parser.add_argument("--tables", help=",".join(sorted(plan.tables)))
    parser.add_argument("--device", default="OPENCL-CPU:{}", help="of Tandem and OpenCV where they run on OpenCL, such as GPU:0")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="per contender and round")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="keep the raw figures")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the report there, too")
    options = parser.parse_args(arguments)
    for name, value in (plan.full if options.full else plan.quick).items():
        setattr(options, name, (getattr(options, name) or value).split(","))
    try:
        options.batch = [int(each) for each in options.batch]
        options.threads = [Setting.parse(each) for each in options.threads]
    except ValueError as error:
        parser.error(f"--batch takes numbers, --threads numbers and pairs like 2x1: {error}")
    options.warmup = WARMUP_S
    unknown = set(options.tables) - plan.tables
    if unknown:
        parser.error(f"there is no table '{unknown.pop()}'")
    if options.rounds < 1 or options.seconds <= 0 or min(options.batch) < 1:
        parser.error("there is nothing to measure in no round, no time or an empty batch")
    return options


def choose(everybody, wanted, ours="tandem"):
    """The contenders that are there, and why others are not. Ours comes first; ONNX Runtime, the reference, always takes part."""
    if "all" in wanted:
        usual = [name for name in everybody if name not in ("tandem", "eager", "opencl", "opencv_opencl")]
        wanted = usual + [each for each in wanted if each != "all"]
    unknown = [name for name in wanted if name not in everybody]
    if unknown:
        raise SystemExit(f"there is no contender '{unknown[0]}': {', '.join(everybody)}")
    present, missing = [], {}
    for name in dict.fromkeys([ours, "ort", *wanted]):
        why = everybody[name].missing()
        if why:
            missing[name] = why
        else:
            present.append(everybody[name])
    if "ort" in missing:
        raise SystemExit(f"ONNX Runtime is the reference for every result, and {missing['ort']}")
    if ours in missing:
        raise SystemExit(f"there is nothing to compare: {missing[ours]}")
    return present, missing


def expected_minutes(options, models, contenders):
    rounds = lambda each: min(options.rounds, each.most_rounds or options.rounds)
    runs = sum((each.start_s + options.seconds + 1.1 * WARMUP_S) * rounds(each) for each in contenders) * len(options.threads)
    checks = sum(each.start_s + 1 for each in contenders) + 3
    cases = sum(1 if model.real else len(options.batch) for model in models) if "models" in options.tables else 0
    return (cases * (runs + checks) + 60 * len(set(options.tables) - {"models"})) / 60


def environment(contenders):
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    return {"machine": f"{cpu}, {len(os.sched_getaffinity(0))} processors", "system": f"{system}, Linux {platform.release()}",
            "load before": f"{os.getloadavg()[0]:.2f}",
            "versions": ", ".join(f"{each.title}: {each.version()}" for each in contenders)}


def method(options, plan, contenders):
    fewer = "".join(f" {each.title} runs in {each.most_rounds} of them." for each in contenders if each.most_rounds)
    own = " and ".join(each.title for each in contenders if not each.reads_onnx)
    return (f"`{' '.join(['./dev bench', plan.name, *sys.argv[2:]])}`: medians of {options.rounds} rounds, in which every contender "
            f"ran once for {options.seconds:g} s, or six times what ONNX Runtime takes, after {WARMUP_S:g} s of warm-up, in a fresh "
            f"process, in an order that rotates.{fewer} Everybody is pinned to the same processors. Results were compared with "
            "ONNX Runtime's on the same inputs before; \"worst difference\" is the greatest one as a share of the greatest output, "
            "over the contenders that read the file. "
            f"{own + ': the architecture of that name with weights of its own. ' if own else ''}"
            "Read the ratios, not the times: the machine is shared.")


def compare(plan, arguments):
    options = options_of(arguments, plan)
    program = str(pathlib.Path(options.tandem).resolve())
    contenders, missing = choose(all_contenders(program, options.device), options.peers, plan.ours)
    ort = next(each for each in contenders if each.name == "ort")
    models = select(options.models)
    available = sorted(os.sched_getaffinity(0))
    document = {"date": time.strftime("%Y-%m-%d %H:%M"), "title": plan.title, "method": method(options, plan, contenders),
                "goals": plan.goals, "environment": environment(contenders), "names": [each.name for each in contenders],
                "titles": {each.name: each.title for each in contenders}, "missing": missing, "rows": [], "memory": [],
                "calls": [], "layers": [], "failed": []}
    for name, why in missing.items():
        print(f"{name} does not take part: {why}", file=sys.stderr)
    print(f"expected to take about {expected_minutes(options, models, contenders):.0f} minutes", file=sys.stderr)

    def keep():
        """After every model, so that an interrupted run leaves what it found."""
        if options.json:
            options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")

    for model in models if "models" in options.tables else []:
        for batch in [1] if model.real else options.batch:
            try:
                document["rows"] += measure_model(model, batch, contenders, program, options, available)
            except Failed as error:
                document["failed"].append(f"{model.name} batch {batch}: {error}")
            keep()
    tables = {"memory": lambda: memory(program, ort, options, available),
              "calls": lambda: small_calls(program, ort, options, available[0]),
              "layers": lambda: layer_shares(program, ort.python, options, available[0]),
              **{name: lambda make=make: make(program, options) for name, make in plan.more.items()}}
    for name, make in tables.items():
        if name in options.tables:
            try:
                document[name] = make()
            except Failed as error:
                document["failed"].append(f"the {name} table: {error}")
    keep()
    report = render(document)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")
    print(report, end="")


if __name__ == "__main__":
    compare(MODELS, sys.argv[1:])
