# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares a model's inputs, checks every contender's results, and measures them in turns."""
import contextlib
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

from contenders import PEERS, Case, Failed, last_line

LEAST_PREDICTIONS = 6


def shapes_of(program, file):
    """What Tandem runs: open sizes have been chosen."""
    done = subprocess.run([program, "inspect", file, "--json"], capture_output=True, text=True)
    if done.returncode:
        raise Failed(last_line(done.stderr))
    return {each["name"]: each["shape"] for each in json.loads(done.stdout)["inputs"]}


@contextlib.contextmanager
def prepared(program, python, model, batch):
    """The Case of a model, with its inputs in a folder that lives as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            file = model.file(batch, python)
        except subprocess.CalledProcessError as error:
            raise Failed("the model cannot be made: " + last_line(error.stderr.decode())) from error
        shapes = {name: shape if model.real else [batch, *shape[1:]] if shape[0] == 1 else shape
                  for name, shape in shapes_of(program, file).items()}
        done = subprocess.run([python, PEERS / "prepare.py", file, json.dumps(shapes), folder], capture_output=True, text=True)
        if done.returncode:
            raise Failed("the inputs cannot be made: " + last_line(done.stderr))
        yield Case(model.name, batch, file, pathlib.Path(folder), **json.loads(done.stdout))


def saved(contender, case, core):
    folder = case.folder / f"outputs_{contender.name}"
    folder.mkdir()
    return contender.save_outputs(case, core, folder)


def differences(contenders, reference, python, case, core):
    """{name: how far from the reference's results, or why that is unknown} for contenders that read the same file."""
    found, expected = {}, saved(reference, case, core)
    for each in contenders:
        if not each.reads_onnx:
            continue
        try:
            given = expected if each is reference else saved(each, case, core)
            done = subprocess.run([python, PEERS / "difference.py", json.dumps(expected), json.dumps(given)],
                                  capture_output=True, text=True, check=True)
            found[each.name] = float(done.stdout)
        except (Failed, subprocess.SubprocessError) as error:
            found[each.name] = str(error)
    return found


def turns(contenders, count):
    """`count` rounds in which each contender comes once, starting with another one in every round."""
    for i in range(count):
        first = i % len(contenders)
        yield contenders[first:] + contenders[:first]


def median_of(rounds):
    """Each figure's median over the rounds."""
    numbers = [key for key, value in rounds[0].items() if isinstance(value, (int, float))]
    return {key: statistics.median(each[key] for each in rounds) for key in numbers}


def long_enough(reference, case, setting, cores, seconds, predictions=LEAST_PREDICTIONS):
    """Seconds for a round, so that models that take long are predicted several times, too."""
    return max(seconds, predictions * reference.measure(case, setting, cores, 0.05, 0)["p50"] * 1e-3)


def in_turns(contenders, count, measure):
    """{name: {"rounds": [...], "median": {...}} or {"rounds": [...], "error": ...}} of `measure` for each contender, once in
    every round; one that failed is not asked again."""
    found = {each.name: {"rounds": []} for each in contenders}
    for order in turns(contenders, count):
        for each in order:
            if "error" in found[each.name] or len(found[each.name]["rounds"]) == each.most_rounds:
                continue
            try:
                found[each.name]["rounds"].append(measure(each))
            except (Failed, subprocess.SubprocessError) as error:
                found[each.name]["error"] = str(error)
    for each in found.values():
        if "error" not in each:
            each["median"] = median_of(each["rounds"])
    return found


def measure_setting(contenders, case, setting, cores, options):
    """What in_turns() found, of one row."""
    reference = next(each for each in contenders if each.name == "ort")
    seconds = long_enough(reference, case, setting, cores, options.seconds)
    return in_turns(contenders, options.rounds, lambda each: each.measure(case, setting, cores, seconds, options.warmup))


def agrees(difference, tolerance):
    return isinstance(difference, float) and not math.isnan(difference) and difference <= tolerance


def measure_model(model, batch, contenders, program, options, available):
    """The rows of one model and batch."""
    reference = next(each for each in contenders if each.name == "ort")
    rows = []
    with prepared(program, reference.python, model, batch) as case:
        taking = [each for each in contenders if each.takes(case)]
        apart = differences(taking, reference, reference.python, case, available[0])
        fair = [each for each in taking if not each.reads_onnx or agrees(apart[each.name], model.tolerance)]
        for setting in options.threads:
            cores = setting.cores(available)
            if cores is None:
                continue
            found = measure_setting(fair, case, setting, cores, options)
            wrong = {name: {"error": why if isinstance(why, str) else f"results differ by {why:.1e}"}
                     for name, why in apart.items() if name not in found}
            rows.append({"model": model.name, "batch": batch, "setting": str(setting), "differences": apart,
                         "found": {**found, **wrong}})
            told = ", ".join(f"{name} {each['median']['p50']:.2f}" for name, each in found.items() if "median" in each)
            print(f"{model.name} batch {batch}, {setting} threads: p50 ms {told}", file=sys.stderr, flush=True)
    return rows
