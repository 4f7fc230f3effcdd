# SPDX-License-Identifier: GPL-3.0-or-later
"""Models on the device beside PyTorch, in turns, and where one request's time goes."""
import json
import pathlib
import statistics
import subprocess
import sys
import threading

from contenders import Failed, last_line
from zoo import CACHE, Model

MODELS = ["resnet50", "mobilenet_v2", "bert_base"]
SAMPLES = ["resnet50", "mobilenet_v2"]
ROUNDS, SECONDS, WARMUP_S = 3, 1.0, 0.3
CLIENTS = 4
PATIENCE_S = 60  # for one run, compiling included
HALF = pathlib.Path(__file__).resolve().parents[1] / "models" / "half.py"


def cases():
    """What goals are about comes first: time may run out."""
    for batch, kind in [(32, "float32"), (1, "float32"), (32, "float16"), (1, "float16"), (8, "float32"), (8, "float16")]:
        for model in MODELS:
            yield model, batch, kind


def forms(model, kind):
    """PyTorch's ways to run it, the plain one first. TF32 is another arithmetic, which is told apart."""
    images = ["channels_last"] if model != "bert_base" else []
    return ["eager", *images, *(["tf32"] if kind == "float32" else [])]


class Files:
    """Where a model's file is, made on demand: samples need none, the others the Python package onnx."""

    def __init__(self, stage):
        self.stage = stage

    def file(self, model, batch, kind):
        if kind == "float32" and model in SAMPLES:
            return f"sample:{model}"
        if self.stage.left() < PATIENCE_S:
            raise Failed("no time is left to make the model")
        try:
            file = Model(model).file(batch, sys.executable)
            if kind == "float16":
                half = CACHE / "models" / f"{model}_half_b{batch}.onnx"
                if not half.exists():
                    subprocess.run([sys.executable, HALF, file, half], check=True, capture_output=True)
                file = half
        except subprocess.CalledProcessError as error:
            raise Failed("the model cannot be made: " + last_line(error.stderr.decode())) from error
        return file


class Peer:
    """torch_peer.py, or why it is absent."""

    def __init__(self, stage):
        self.version = self.absent = None
        self.complaints = (stage.options.work / "torch_peer.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen([sys.executable, pathlib.Path(__file__).with_name("torch_peer.py")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints, text=True)
        try:
            ready = self._answer(min(120, stage.left()))
        except Failed as error:
            self.absent = f"PyTorch does not take part: {error}"
            return
        if ready["device"] != "cuda" and stage.device.startswith("GPU"):
            self.absent = f"PyTorch does not take part: it sees no GPU ({ready['ready']})"
        else:
            self.version = ready["ready"]

    def _answer(self, seconds):
        """The next line of JSON; a peer that takes too long is ended, and answers nothing from then on."""
        timer = threading.Timer(max(seconds, 1), self.process.kill)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        if line:
            return json.loads(line)
        self.process.wait()
        self.complaints.seek(0)
        raise Failed(last_line(self.complaints.read()))

    def measure(self, patience, **request):
        if self.absent:
            raise Failed(self.absent)
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            found = self._answer(patience)
        except (Failed, OSError) as error:
            self.absent = f"PyTorch gave up: {error}"
            raise Failed(self.absent) from error
        if "error" in found:
            raise Failed(found["error"])
        return found

    def close(self):
        self.process.kill()
        self.process.wait()
        try:
            self.process.stdin.close()
        except OSError:
            pass  # a request that it never read
        self.process.stdout.close()
        self.complaints.close()


def served(stage, file, batch, scenario):
    """A report with at least one request: a slow device gets more time, but no case takes that of all the others."""
    for duration in (SECONDS / 2, 8 * SECONDS):
        report = stage.ask("run", file, "--replica", f"{stage.device},streams=2", "--batch", batch, "--no-state", "--warmup",
                           WARMUP_S, "--duration", duration, "--scenario", scenario, patience=PATIENCE_S)
        if report["failed"]:
            raise Failed(f"{report['failed']} of {report['requests'] + report['failed']} requests failed")
        if report["requests"]:
            return report
    raise Failed(f"no request was finished in {duration:g} s")


def tandem_once(stage, file, batch):
    """One request in flight, then as many as keep the device busy."""
    single, busy = served(stage, file, batch, "single-stream"), served(stage, file, batch, f"closed:{CLIENTS}")
    return {"p50": single["latency_ms"]["p50"], "count": single["latency_ms"]["count"],
            "items_per_s": max(single["items_per_s"], busy["items_per_s"]), "compile_ms": single["startup_ms"]["compile"],
            "summary": single["replicas"][0].get("summary", "")}


def median_of(rounds):
    return {key: statistics.median(each[key] for each in rounds) for key, value in rounds[0].items()
            if isinstance(value, (int, float))}


def measure_case(stage, files, peer, model, batch, kind):
    """Medians over rounds in which Tandem and every form of PyTorch ran once each."""
    row = {"model": model, "batch": batch, "type": kind, "torch": {}}
    runs = {name: [] for name in ("tandem", *forms(model, kind))}
    try:
        file = files.file(model, batch, kind)
        for _ in range(ROUNDS):
            for name, rounds in runs.items():
                if name == "tandem":
                    rounds.append(tandem_once(stage, file, batch))
                    row["summary"] = rounds[0]["summary"]
                elif name not in row.get("without", {}):
                    try:
                        rounds.append(peer.measure(min(90, stage.left()), model=model, batch=batch, type=kind, form=name,
                                                   seconds=SECONDS))
                    except Failed as error:
                        row.setdefault("without", {})[name] = str(error)
    except Failed as error:
        row["error"] = str(error)
    for name, rounds in runs.items():
        if rounds:
            (row if name == "tandem" else row["torch"])[name] = median_of(rounds)
    tandem = row.get("tandem", {}).get("p50", float("nan"))
    print(f"{model} batch {batch} {kind}: Tandem p50 {tandem:.3f} ms; "
          + ", ".join(f"{name} {each['p50']:.3f}" for name, each in row["torch"].items()) + row.get("error", ""), flush=True)
    return row


def compiled_once(stage, peer, model):
    try:
        found = peer.measure(stage.left(), model=model, batch=32, type="float32", form="compiled", seconds=SECONDS)
        return {"model": model, **found}
    except Failed as error:
        return {"model": model, "error": str(error)}


def split_of_trace(trace):
    """Medians over traced requests, in ms: their transfers, their kernels, and what passed between these on the device."""
    requests = {}
    for event in trace["traceEvents"]:
        if event.get("cat") in ("kernel", "transfer"):
            requests.setdefault((event["tid"], event["args"]["request"]), []).append(event)
    found = []
    for events in requests.values():
        sums = {kind: sum(each["dur"] for each in events if each["cat"] == kind) * 1e-3 for kind in ("kernel", "transfer")}
        span = (max(each["ts"] + each["dur"] for each in events) - min(each["ts"] for each in events)) * 1e-3
        found.append({"transfer": sums["transfer"], "kernels": sums["kernel"], "gaps": max(span - sum(sums.values()), 0.0),
                      "span": span, "launches": sum(each["cat"] == "kernel" for each in events)})
    if not found:
        raise Failed("the trace holds no kernel")
    return median_of(found)


def split_of(stage, files, model):
    """A single request's time: with the device's clock from a traced run, and the host's part as the rest of an untraced one."""
    file = stage.options.work / "trace.json"
    try:
        words = ["run", files.file(model, 1, "float32"), "--replica", stage.device, "--no-state", "--scenario", "single-stream",
                 "--warmup", WARMUP_S, "--duration", SECONDS]
        plain = stage.ask(*words)["latency_ms"]["p50"]
        stage.ask(*words, "--trace", file)
        split = split_of_trace(json.loads(file.read_text(encoding="utf-8")))
    except Failed as error:
        return {"model": model, "error": str(error)}
    finally:
        file.unlink(missing_ok=True)
    return {"model": model, "p50": plain, **split, "launch": max(plain - split["transfer"] - split["kernels"], 0.0)}
