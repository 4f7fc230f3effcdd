#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""PyTorch with cuDNN beside Tandem, in one process that stays, since importing it takes seconds. Reads one JSON request per
line, {"model", "batch", "type", "form", "seconds"}, and answers each with one line of JSON: {"p50", "mean", "count",
"items_per_s", "device_ms"} or {"error"}. The first line says which PyTorch, cuDNN and device these are. A request is what it
is for Tandem: input from host memory, prediction, result in host memory. Weights are random."""
import json
import statistics
import sys
import time

import torch

STEPS, WARMUP_S = 128, 0.3


class Bert(torch.nn.Module):
    """BERT-base's encoder, where the package transformers is absent."""

    def __init__(self):
        super().__init__()
        self.words, self.positions = torch.nn.Embedding(30522, 768), torch.nn.Parameter(torch.zeros(1, STEPS, 768))
        layer = torch.nn.TransformerEncoderLayer(768, 12, 3072, activation="gelu", batch_first=True)
        self.norm, self.layers = torch.nn.LayerNorm(768), torch.nn.TransformerEncoder(layer, 12)

    def forward(self, ids):
        return self.layers(self.norm(self.words(ids) + self.positions))


def bert():
    try:
        import transformers
    except ImportError:
        return Bert()

    class FirstOutput(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = transformers.BertModel(transformers.BertConfig(), add_pooling_layer=False)

        def forward(self, ids):
            return self.model(ids).last_hidden_state
    return FirstOutput()


def network(name):
    if name == "bert_base":
        return bert()
    import torchvision
    return getattr(torchvision.models, name)(weights=None)


class Runner:
    """One network in one form."""

    def __init__(self, device, request):
        torch.manual_seed(1)
        self.device, kind = device, getattr(torch, request["type"])
        # By default PyTorch's float32 convolutions may round to TF32: only the form of that name may.
        tf32 = request["form"] == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True
        net = network(request["model"]).eval().to(device, kind)
        batch, image = request["batch"], request["model"] != "bert_base"
        given = torch.rand(batch, 3, 224, 224).to(kind) if image else torch.randint(5, 900, (batch, STEPS))
        if request["form"] == "channels_last":
            net, given = net.to(memory_format=torch.channels_last), given.contiguous(memory_format=torch.channels_last)
        self.net = torch.compile(net) if request["form"] == "compiled" else net
        self.given = given.pin_memory() if device.type == "cuda" else given
        result = self.net(self.given.to(device))
        self.result = torch.empty(result.shape, dtype=result.dtype, pin_memory=device.type == "cuda")

    def enqueue(self):
        self.result.copy_(self.net(self.given.to(self.device, non_blocking=True)), non_blocking=True)

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def latencies(self, seconds):
        times, end = [], time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            self.enqueue()
            self.wait()
            times.append((time.perf_counter() - start) * 1e3)
        return times

    def rate(self, seconds, request_ms):
        """Predictions per second where the host waits for every fourth only."""
        count, start = 0, time.perf_counter()
        while not count or time.perf_counter() + 4e-3 * request_ms < start + seconds:
            for _ in range(4):
                self.enqueue()
            self.wait()
            count += 4
        return count / (time.perf_counter() - start)

    def device_ms(self):
        """Of the network alone, its input on the device, between two events."""
        if self.device.type != "cuda":
            return None
        given, times = self.given.to(self.device), []
        for _ in range(10):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            self.net(given)
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end))
        return statistics.median(times)


def answer(device, request, kept):
    """One network stays between requests: rounds of the same one follow each other."""
    key = json.dumps({name: request[name] for name in ("model", "batch", "type", "form")})
    if key not in kept:
        kept.clear()
        if device.type == "cuda":
            torch.cuda.empty_cache()
        kept[key] = Runner(device, request)
    runner = kept[key]
    runner.latencies(WARMUP_S)
    times = sorted(runner.latencies(request["seconds"] / 2))
    middle = times[len(times) // 2]
    return {"p50": middle, "mean": statistics.fmean(times), "count": len(times),
            "items_per_s": request["batch"] * runner.rate(request["seconds"] / 2, middle), "device_ms": runner.device_ms()}


def main():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "the processor"
    print(json.dumps({"ready": f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, on {name}",
                      "device": device.type}), flush=True)
    kept = {}
    for line in sys.stdin:
        try:
            with torch.inference_mode():
                found = answer(device, json.loads(line), kept)
        except Exception as error:  # whatever it is, the next request may fare better
            kept.clear()
            found = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
