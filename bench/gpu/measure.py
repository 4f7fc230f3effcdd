#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of bench/gpu/run that come after the build. Each adds what it found to figures.json as soon as it has it, so
that a stage that is ended leaves what it has; report.py tells it all."""
import argparse
import json
import math
import pathlib
import platform
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "models"))
sys.dont_write_bytecode = True
from contenders import Failed, last_line  # noqa: E402
from models import MODELS, Files, Peer, cases, compiled_once, measure_case, split_of  # noqa: E402
from report import write_report  # noqa: E402

CHUNK = 100  # operator cases per process
COMPILE_S = 100
OPERATORS_S = 60  # what a chunk may need at most, guessed


def last_runs(file):
    """{stage: [exit code, seconds]} of the lines that bench/gpu/run writes after each stage."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {name: [int(code), int(seconds)] for name, code, seconds in map(str.split, lines)}


class Stage:
    """The options, the time that is left, and the figures."""

    def __init__(self, options):
        self.options, self.end = options, time.monotonic() + options.seconds
        self.device, self.tandem = options.device, options.bin / "tandem"
        self.file = options.out / "figures.json"
        self.figures = json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}
        self.figures.update({"date": time.strftime("%Y-%m-%d %H:%M"), "device": self.device, "system": platform.platform(),
                             "programs": (options.work / "bin.from").read_text(encoding="utf-8").strip(),
                             "stages": last_runs(options.work / "stages")})

    def left(self):
        return self.end - time.monotonic()

    def keep(self, name, found):
        self.figures[name] = found
        self.file.write_text(json.dumps(self.figures, indent=1), encoding="utf-8")

    def call(self, *words, patience=math.inf):
        """A finished process; Failed where it takes longer than `patience` or than time is left."""
        limit = min(self.left(), patience)
        if limit < 1:
            raise Failed("no time is left")
        try:
            return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"it took more than {limit:.0f} s") from None

    def ask(self, *words, patience=math.inf):
        """The JSON that the command line prints, a refusal included."""
        done = self.call(self.tandem, *words, "--json", patience=patience)
        try:
            found = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise Failed(last_line(done.stderr)) from None
        if "error" in found:
            raise Failed(found["error"]["message"])
        return found


def devices(stage):
    found = stage.ask("devices", "--probe")
    wanted = next((each for each in found["devices"] if each["id"] == stage.device), None)
    drivers = []
    for command in (["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"], ["clinfo", "-l"]):
        try:
            drivers.append(stage.call(*command).stdout.strip())
        except FileNotFoundError:
            pass
    bench = stage.options.bin / "opencl_bench"
    if bench.exists():
        done = stage.call(bench, "--device", stage.device)
        try:
            found["opencl_bench"] = json.loads(done.stdout)
        except json.JSONDecodeError:
            found["opencl_bench"] = {"failed": last_line(done.stderr)}
    stage.keep("devices", {**found, "drivers": drivers})
    if wanted is None:
        raise Failed(f"there is no {stage.device}: {', '.join(each['id'] for each in found['devices'])}; "
                     + "; ".join(each["message"] for each in found["problems"]))


def operator_cases(data):
    manifest = data / "operators" / "manifest.csv"
    lines = manifest.read_text(encoding="utf-8").splitlines()[1:] if manifest.exists() else []
    return [data / "operators" / line.split(",", 1)[0] for line in lines]


def verify_operators(stage, note):
    """All operator cases, some hundred per process: what time allows counts, and a crash loses one process's cases only."""
    found = {"passed": 0, "failed": 0, "unsupported": 0, "nodes": 0, "native_nodes": 0, "wrong": [], "left": 0}
    every = operator_cases(stage.options.conformance)
    slowest = OPERATORS_S
    for first in range(0, len(every), CHUNK):
        some, begin = every[first:first + CHUNK], time.monotonic()
        if stage.left() < slowest:
            found["left"] = len(every) - first
            break
        try:
            result = stage.ask("verify", *some, "--device", stage.device)
            for key in ("passed", "failed", "unsupported", "nodes", "native_nodes"):
                found[key] += result[key]
            found["wrong"] += [f"{each['name']}: {each['reason']}" for each in result["cases"] if each["status"] == "failed"]
        except Failed as error:
            found["wrong"].append(f"{some[0].name} to {some[-1].name}: {error}")
        slowest = max(slowest if first else 0, 1.5 * (time.monotonic() - begin))
        note(found)
    return found


def conformance(stage):
    found = {"checks": []}

    def check(name, *words):
        begin = time.monotonic()
        try:
            done = stage.call(*words)
            passed, told = done.returncode == 0, last_line(done.stdout + done.stderr)
        except Failed as error:
            passed, told = False, str(error)
        found["checks"].append({"name": name, "passed": passed, "said": told, "seconds": round(time.monotonic() - begin, 1)})
        print(f"{'passed' if passed else 'FAILED'} {name}: {told}", flush=True)
        stage.keep("conformance", found)

    data = stage.options.conformance
    for sample in ("resnet50", "mobilenet_v2"):
        check(f"{sample} on {stage.device} and CPU:0", stage.tandem, "verify", f"sample:{sample}", "--against-device",
              f"CPU:0,{stage.device}")
    check("real models", sys.executable, ROOT / "tests" / "conformance" / "device_conformance.py", stage.tandem, data, "models",
          "compiled", stage.device)
    for program in ("devices_opencl_test", "devices_opencl_general_test"):
        if (stage.options.bin / program).exists():
            check(program, stage.options.bin / program, "--gtest_brief=1")

    def note(operators):
        found["operators"] = operators
        stage.keep("conformance", found)
    note(verify_operators(stage, note))
    operators = found["operators"]
    print(f"operators: {operators['passed']} passed, {operators['failed']} failed, {operators['left']} not reached", flush=True)
    wrong = [each["name"] for each in found["checks"] if not each["passed"]] + operators["wrong"]
    if wrong or not operators["passed"]:
        raise Failed(f"{len(wrong)} checks failed: {'; '.join(wrong[:5])}" if wrong else "no operator case was run")


def tune(stage):
    listed = stage.call(stage.tandem, "--help").stdout
    if not re.search(r"^\s+tune\s", listed, re.MULTILINE):
        stage.keep("tune", {"skipped": "this build has no `tandem tune`"})
        return
    found, files = {}, Files(stage)
    for model in MODELS:
        begin = time.monotonic()
        try:
            done = stage.call(stage.tandem, "tune", files.file(model, 1, "float32"), "--device", stage.device)
            found[model] = {"passed": done.returncode == 0, "said": last_line(done.stdout + done.stderr)}
        except Failed as error:
            found[model] = {"passed": False, "said": str(error)}
        found[model]["seconds"] = round(time.monotonic() - begin, 1)
        print(f"{model}: {found[model]['said']}", flush=True)
        stage.keep("tune", found)
    if not all(each["passed"] for each in found.values()):
        raise Failed("not every model was tuned")


def models(stage):
    rows, splits, compiled, files = [], [], [], Files(stage)
    peer = Peer(stage)
    print(f"peer: {peer.version or peer.absent}", flush=True)

    def keep():
        stage.keep("models", {"peer": peer.version, "absent": peer.absent, "rows": rows, "splits": splits,
                             "compiled": compiled})
    try:
        keep()
        for case in cases():
            rows.append(measure_case(stage, files, peer, *case))
            keep()
        for model in MODELS:
            splits.append(split_of(stage, files, model))
            keep()
        # Once each at the end, since compiling takes a minute or fails: for information, not in turns with Tandem.
        for model in MODELS:
            if not peer.absent and stage.left() > COMPILE_S:
                compiled.append(compiled_once(stage, peer, model))
                keep()
    finally:
        peer.close()
    failed = [f"{row['model']}: {row['error']}" for row in rows if "error" in row]
    if failed:
        raise Failed(f"{len(failed)} of {len(rows)} cases have no figure: {failed[0]}")


def together(stage):
    """The device, the CPU, and a replica on each, in turns; the goal of it all is the last against the first two."""
    hosted = stage.device.startswith("OPENCL-CPU")
    device, cores = ("OPENCL-CPU:1", ["--cores", "0;1"]) if hosted else (stage.device, [])
    setups = {"device": [device], "cpu": ["CPU:0"], "both": [device, "CPU:0"]}
    rates = {name: [] for name in setups}
    for _ in range(3):
        for name, replicas in setups.items():
            words = [word for each in replicas for word in ("--replica", each)]
            report = stage.ask("run", "sample:resnet50", *words, *cores, "--batch", 8, "--scenario", "closed:8", "--duration", 4,
                               "--warmup", 1)
            rates[name].append(report["items_per_s"])
            stage.keep("together", {"model": "resnet50", "batch": 8, "device": device, "items_per_s": rates})
            print(f"{name}: {report['items_per_s']:.1f} items/s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    stages = {each.__name__: each for each in (devices, conformance, tune, models, together)}
    parser.add_argument("stage", choices=[*stages, "report"])
    for name in ("--bin", "--out", "--work", "--conformance"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    stage = Stage(parser.parse_args())
    status = 0
    if stage.options.stage != "report":
        problems = stage.figures.setdefault("problems", {})
        problems.pop(stage.options.stage, None)
        try:
            stages[stage.options.stage](stage)
        except Failed as error:
            problems[stage.options.stage] = str(error)
            print(f"{stage.options.stage}: {error}", file=sys.stderr)
            status = 1
    stage.keep("date", stage.figures["date"])
    write_report(stage.figures, stage.options.out / "report.md")
    return status


if __name__ == "__main__":
    sys.exit(main())
