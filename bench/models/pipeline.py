#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tandem's input pipeline against other picture libraries: JPEG files to normalised tensors of 224x224, on one thread.
bench/README.md says more."""
import argparse
import array
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from contenders import OPENCV_4, PEERS, Failed, Peer, last_line
from rounds import turns
from tables import table
from zoo import PACK

SPEC = "imagenet resize=256,crop=224x224"
STEP = 1 / (255 * 0.226)  # what a difference of one in a pixel makes in a tensor
STAGES = ("read", "decode", "resize", "normalize", "batch")


class TandemPipeline:
    name, title = "tandem", "Tandem"

    def __init__(self, bench):
        self.bench = bench

    def missing(self):
        return None if self.bench.exists() else f"{self.bench.name} is not built: cmake --build --preset release"

    def _call(self, files, cpu, *more):
        done = subprocess.run([self.bench, *files, "--preprocess", SPEC, *map(str, more)], capture_output=True, text=True,
                              timeout=600, preexec_fn=lambda: os.sched_setaffinity(0, [cpu]))
        if done.returncode:
            raise Failed(last_line(done.stderr))
        return done.stdout

    def save(self, files, cpu, file):
        self._call(files[:1], cpu, "--save", file)

    def measure(self, files, cpu, seconds, warmup):
        return json.loads(self._call(files, cpu, "--seconds", seconds, "--warmup", warmup))


class Library:
    def __init__(self, name, title, library, venv, packages):
        self.name, self.title, self.library = name, title, library
        self.peer = Peer(name, title, "pictures", venv, packages)  # for its virtual environment

    def missing(self):
        return self.peer.install()

    def _call(self, **job):
        done = subprocess.run([self.peer.python, PEERS / "pictures.py", json.dumps({"library": self.library, **job})],
                              capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise Failed(last_line(done.stderr))
        return done.stdout

    def save(self, files, cpu, file):
        self._call(files=files[:1], cpu=cpu, save=str(file))

    def measure(self, files, cpu, seconds, warmup):
        return json.loads(self._call(files=files, cpu=cpu, seconds=seconds, warmup=warmup))


def all_contenders(bench):
    numpy = "numpy==2.4.6"
    listed = [
        TandemPipeline(bench),
        Library("pillow", "Pillow", "pillow", "venv-pictures", ["pillow==13.0.0", numpy]),
        Library("pillow_simd", "Pillow-SIMD", "pillow", "venv-pillow-simd", ["pillow-simd==9.5.0.post2", numpy]),
        Library("opencv", "OpenCV, bilinear", "opencv", "venv-opencv4", OPENCV_4),
        Library("opencv_area", "OpenCV, area", "opencv_area", "venv-opencv4", OPENCV_4),
        Library("torchvision", "torchvision", "torchvision", "venv-pytorch",
                ["torch==2.15.0", "torchvision==0.29.2", numpy]),
    ]
    return {each.name: each for each in listed}


def pictures_of(folder):
    """JPEG files; the pack's photographs by default, without its lines of text."""
    if folder:
        files = sorted(each for each in pathlib.Path(folder).iterdir() if each.suffix.lower() in (".jpg", ".jpeg"))
    else:
        files = [each for model in ("squeezenet-imagenet", "ultraface-rfb-320", "fastestdet-coco")
                 for each in sorted((PACK / model / "samples").glob("*.jpg"))]
    if not files:
        sys.exit("pipeline: no .jpg files; name a folder of them with --pictures")
    return [str(each.resolve()) for each in files]


def floats(file):
    values = array.array("f")
    values.frombytes(pathlib.Path(file).read_bytes())
    return values


def difference(expected, file):
    """Mean difference of two tensors, in steps of a pixel."""
    values = floats(file)
    if len(values) != len(expected):
        raise Failed(f"{len(values)} elements instead of {len(expected)}")
    return statistics.fmean(abs(a - b) for a, b in zip(values, expected)) / STEP


def measured(contenders, files, options):
    """{name: {"rounds", "items_per_s", "difference"} or {"error"}}."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        expected = None
        for each in contenders:
            try:
                if why := each.missing():
                    raise Failed(why)
                file = pathlib.Path(folder) / each.name
                each.save(files, options.cpu, file)
                expected = expected or floats(file)
                found[each.name] = {"rounds": [], "difference": difference(expected, file)}
            except (Failed, subprocess.SubprocessError) as error:
                found[each.name] = {"error": str(error)}
    for order in turns([each for each in contenders if "error" not in found[each.name]], options.rounds):
        for each in order:
            try:
                found[each.name].setdefault("rounds", []).append(
                    each.measure(files, options.cpu, options.seconds, options.warmup))
            except (Failed, subprocess.SubprocessError) as error:
                found[each.name] = {"error": str(error)}
    for each in found.values():
        if each.get("rounds"):
            each["items_per_s"] = statistics.median(one["items_per_s"] for one in each["rounds"])
    return found


def report(contenders, found, files):
    ours = found["tandem"]
    if "error" in ours:
        sys.exit("pipeline: " + ours["error"])
    rows = []
    for each in contenders:
        figures = found[each.name]
        if "error" in figures:
            rows.append([each.title, figures["error"], "–", "–"])
            continue
        rows.append([each.title, f"{figures['items_per_s']:.0f}", f"{ours['items_per_s'] / figures['items_per_s']:.2f}",
                     f"{figures['difference']:.2f}"])
    stage = lambda name: statistics.median(each[name + "_ms"] for each in ours["rounds"])
    print(f"{len(files)} JPEG files to 224x224 ({SPEC}), one thread each, medians of {len(ours['rounds'])} rounds\n")
    print(table(["", "pictures/s", "Tandem / it", "mean difference, pixel steps"], rows))
    print("\nTandem, ms per picture: " + ", ".join(f"{name} {stage(name):.3f}" for name in STAGES))


def main(bench, arguments):
    parser = argparse.ArgumentParser(prog="./dev bench pipeline", description=__doc__)
    parser.add_argument("--pictures", help="folder of JPEG files (default: the shared pack's photographs)")
    parser.add_argument("--peers", default="pillow,pillow_simd,opencv,opencv_area",
                        help="of pillow, pillow_simd, opencv, opencv_area, torchvision (which installs 5.4 GB)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--warmup", type=float, default=0.3)
    parser.add_argument("--cpu", type=int, default=min(os.sched_getaffinity(0)), help="the processor that all run on")
    parser.add_argument("--json", help="file for the raw figures")
    options = parser.parse_args(arguments)
    known = all_contenders(bench)
    if unknown := [name for name in options.peers.split(",") if name not in known]:
        parser.error(f"unknown peers: {', '.join(unknown)}")
    contenders = [known["tandem"], *(known[name] for name in options.peers.split(",") if name != "tandem")]
    files = pictures_of(options.pictures)
    found = measured(contenders, files, options)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"files": files, "found": found}, indent=1))
    report(contenders, found, files)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:])
