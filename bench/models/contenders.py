# SPDX-License-Identifier: GPL-3.0-or-later
"""Who takes part: Tandem through its command line, and the peers of bench/peers, each in a Python of its own."""
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from zoo import CACHE

PEERS = pathlib.Path(__file__).resolve().parents[1] / "peers"
PATIENCE_S = 600
LIGHT = ("venv", ["onnxruntime==1.30.0", "onnx==1.23.2", "numpy==2.4.6", "openvino==2026.4.1",
                  "opencv-python-headless==5.0.0.93"])
# The last OpenCV whose networks run on OpenCL: the engine of version 5 knows the processor only.
OPENCV_4 = ["opencv-python-headless==4.14.0.94", "numpy==2.4.6"]


class Failed(Exception):
    """A contender cannot run this: the message is for the report."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """How many copies, with how many threads each; "2x1" is two copies of one thread."""
    replicas: int
    threads: int

    @staticmethod
    def parse(text):
        replicas, _, threads = text.rpartition("x")
        return Setting(int(replicas or 1), int(threads))

    def __str__(self):
        return f"{self.replicas}x{self.threads}" if self.replicas > 1 else str(self.threads)

    def cores(self, available):
        """Processors of each copy; None where the machine has too few."""
        sets = [available[i * self.threads:(i + 1) * self.threads] for i in range(self.replicas)]
        return sets if all(len(each) == self.threads for each in sets) else None


@dataclasses.dataclass(frozen=True)
class Case:
    """One model with its inputs."""
    model: str
    batch: int
    file: pathlib.Path
    folder: pathlib.Path  # holds inputs.npz and one raw file per input
    inputs: list
    outputs: list
    dims: dict


def last_line(text):
    """What a program complained about: its last line that speaks of an error, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.search("error|exception|failed", line, re.IGNORECASE)]
    return (errors or lines or ["it said nothing"])[-1][:200].replace("|", "/")


class Tandem:
    """The program as a user starts it; `device` and `mode` as on its command line. The process is pinned whole: PoCL's
    workers stay on their core set, but the threads beside them would run anywhere."""
    reads_onnx = True
    start_s = 0.6
    most_rounds = None

    def __init__(self, program, name, title, device="CPU:{}", mode="compiled"):
        self.program, self.name, self.title, self.device, self.mode = program, name, title, device, mode

    def missing(self):
        listed = json.loads(subprocess.run([self.program, "devices", "--json"], capture_output=True, text=True).stdout)
        wanted = self.device.format(0)
        return None if any(each["id"] == wanted for each in listed["devices"]) else f"this machine has no {wanted}"

    def version(self):
        return subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout.strip()

    def takes(self, case):
        return True

    def measure(self, case, setting, cores, seconds, warmup):
        replicas = [f"{self.device.format(i)},threads={setting.threads}" for i in range(setting.replicas)]
        command = [self.program, "run", case.file, "--cores", ";".join(",".join(map(str, each)) for each in cores),
                   "--input", case.folder / "inputs.npz", "--no-state", "--mode", self.mode, "--duration", str(seconds),
                   "--warmup", str(warmup), "--json", "--scenario",
                   "single-stream" if setting.replicas == 1 else f"closed:{setting.replicas}"]
        for replica in replicas:
            command += ["--replica", replica]
        if setting.replicas > 1:
            command += ["--route", "least-loaded"]
        if case.batch > 1:
            command += ["--batch", str(case.batch)]
        report = self.call(command, {cpu for each in cores for cpu in each})
        if report["failed"]:
            raise Failed(f"{report['failed']} of {report['requests'] + report['failed']} requests failed")
        if not report["requests"]:
            raise Failed("no request was finished in time")
        latency, start = report["latency_ms"], report["startup_ms"]
        return {"count": latency["count"], "p50": latency["p50"], "p99": latency["p99"], "mean": latency["mean"],
                "min": latency["min"], "items_per_s": report["items_per_s"], "load_and_compile_ms": start["load"] + start["compile"],
                "peak_rss_bytes": report["memory"]["rss_peak_bytes"]}

    def save_outputs(self, case, core, folder):
        report = self.call([self.program, "predict", case.file, "--input", case.folder / "inputs.npz", "--no-state",
                             "--device", self.device.format(0), "--mode", self.mode, "--cores", str(core), "--output", folder,
                             "--json"], {core})
        return report["predictions"][0]["output_files"]

    @staticmethod
    def start(command, cpus):
        """The program on these processors; for finish()."""
        return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    @staticmethod
    def finish(process):
        """What it printed as JSON."""
        try:
            printed, complaints = process.communicate(timeout=PATIENCE_S)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode:
            raise Failed(last_line(complaints))
        return json.loads(printed)

    @classmethod
    def call(cls, command, cpus):
        return cls.finish(cls.start(command, cpus))


class Peer:
    """A module of bench/peers, run by measure.py: one process per copy, pinned before it imports anything. A peer that takes
    a second per prediction need not run in more than `most_rounds`; `job` is what its module wants to know besides."""
    script = "measure.py"

    def __init__(self, name, title, module, venv, packages, package=None, reads_onnx=True, only=None, heavy=False, start_s=1.5,
                 most_rounds=None, job=None):
        self.name, self.title, self.module, self.packages, self.reads_onnx = name, title, module, packages, reads_onnx
        self.package = package or packages[0]
        self.only, self.heavy, self.start_s, self.most_rounds, self.job = only, heavy, start_s, most_rounds, job or {}
        self.venv = CACHE / venv
        self.python = self.venv / "bin" / "python"

    def install(self):
        """None, or why it is not there."""
        wanted = "\n".join(self.packages)
        stamp = self.venv / "packages"
        if stamp.is_file() and stamp.read_text() == wanted:
            return None
        print(f"Installing {', '.join(self.packages)} into {self.venv}", file=sys.stderr)
        for command in ([sys.executable, "-m", "venv", self.venv],
                        [self.venv / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *self.packages]):
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
            if done.returncode:
                return f"not installed: {last_line(done.stderr)}"
        stamp.write_text(wanted)
        return None

    def missing(self):
        return self.install()

    def version(self):
        return self.package.replace("==", " ")

    def takes(self, case):
        """Whether the peer can be asked at all."""
        return self.reads_onnx or (case.model in self.only)

    def _job(self, case, cpus, threads, **more):
        return json.dumps({"peer": self.module, "cpus": cpus, "threads": threads, "model": case.model, "file": str(case.file),
                           "inputs": case.inputs, "outputs": case.outputs, "dims": case.dims, "batch": case.batch, **self.job,
                           **more})

    def _start(self, job, folder):
        complaints = tempfile.TemporaryFile("w+", dir=folder)
        process = subprocess.Popen([self.python, PEERS / self.script, job], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=complaints, text=True)
        return process, complaints

    @staticmethod
    def _answer(process, complaints):
        """The next line, or Failed with the last one of what the process complained about."""
        line = process.stdout.readline()
        while line and not line.startswith(("ready", "{")):
            line = process.stdout.readline()
        if line:
            return line
        process.wait(PATIENCE_S)
        complaints.seek(0)
        raise Failed(last_line(complaints.read()))

    def measure(self, case, setting, cores, seconds, warmup):
        spawned = time.monotonic_ns()
        running = [self._start(self._job(case, cpus, setting.threads, seconds=seconds, warmup=warmup), case.folder)
                   for cpus in cores]
        try:
            for each in running:
                self._answer(*each)
            for process, _ in running:
                process.stdin.write("go\n")
                process.stdin.flush()
            found = [json.loads(self._answer(*each)) for each in running]
        finally:
            for process, complaints in running:
                process.stdin.close()
                process.stdout.close()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                complaints.close()
        figures = dict(found[0])
        figures["first_ms"] = (figures.pop("first_ns") - spawned) * 1e-6
        for key in ("items_per_s", "peak_rss_bytes"):
            figures[key] = sum(each[key] for each in found)
        return figures

    def save_outputs(self, case, core, folder):
        process, complaints = self._start(self._job(case, [core], 1, save=str(folder)), case.folder)
        process.communicate(timeout=PATIENCE_S)
        complaints.seek(0)
        if process.returncode:
            raise Failed(last_line(complaints.read()))
        return [str(file) for file in sorted(pathlib.Path(folder).glob("*.npy"), key=lambda file: int(file.stem))]


def all_contenders(program, device="OPENCL-CPU:{}"):
    """By name; Tandem first, then the reference. `device` is the OpenCL device of those who run on one."""
    venv, packages = LIGHT
    light = lambda name, title, module, first: Peer(name, title, module, venv, packages,
                                                    next(each for each in packages if each.startswith(first)))
    keras = ["resnet50", "mobilenet_v2", "densenet121", "vgg19"]
    listed = [
        Tandem(program, "tandem", "Tandem"),
        light("ort", "ONNX Runtime", "onnx_runtime", "onnxruntime"),
        light("openvino", "OpenVINO", "openvino_cpu", "openvino"),
        light("opencv", "OpenCV DNN", "opencv_dnn", "opencv"),
        Peer("pytorch", "PyTorch", "pytorch", "venv-pytorch", ["torch==2.15.0", "torchvision==0.29.2", "numpy==2.4.6"],
             reads_onnx=False, only=[*keras, "squeezenet", "inception_v1"], heavy=True, start_s=12),
        Peer("tensorflow", "TensorFlow", "tensorflow_keras", "venv-tensorflow", ["tensorflow-cpu==2.21.0"], reads_onnx=False,
             only=keras, heavy=True, start_s=12),
        Tandem(program, "eager", "Tandem, eager", mode="eager"),
        Tandem(program, "opencl", f"Tandem on {device.format(0).rpartition(':')[0]}", device),
        Peer("opencv_opencl", "OpenCV DNN, OpenCL target", "opencv_opencl", "venv-opencv4", OPENCV_4, start_s=25, most_rounds=1,
             job={"opencl": ":CPU:" if device.startswith("OPENCL-CPU") else ":GPU:" + device.rpartition(":")[2]}),
    ]
    return {each.name: each for each in listed}
