// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/exporters/onnxruntime_loader.hpp"

namespace tandem {

const std::string_view kOnnxRuntimeLoader = R"py(#!/usr/bin/env python3
"""Runs the exported model with ONNX Runtime and prints which provider runs which nodes."""
import argparse
import json
import pathlib
import sys
import time

import numpy as np
import onnxruntime as ort

FOLDER = pathlib.Path(__file__).resolve().parent
LEVELS = {
    "disabled": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
         "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(int16)": np.int16, "tensor(int8)": np.int8,
         "tensor(uint64)": np.uint64, "tensor(uint32)": np.uint32, "tensor(uint16)": np.uint16,
         "tensor(uint8)": np.uint8, "tensor(bool)": np.bool_}


def plain(text):
    """Names come from the model: nothing in them may act on the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def file_name(name):
    """The same for the names in an archive: nothing that leaves a folder."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name).lstrip(".") + ("_" if name == "file" else "")


def load(provider=None, folder=FOLDER):
    """The session with the exported placement; `provider` replaces the GPU provider that would be chosen."""
    options = json.loads((pathlib.Path(folder) / "session_options.json").read_text(encoding="utf-8"))
    wanted = tuple(int(part) for part in options["onnxruntime_min_version"].split("."))
    found = tuple(int(part) for part in ort.__version__.split(".")[:2])
    if found < wanted:
        sys.exit(f"ONNX Runtime {ort.__version__} ignores the placement: {options['onnxruntime_min_version']} is needed")
    available = ort.get_available_providers()
    candidates = [provider] if provider else options["gpu_providers"]
    gpu = [name for name in candidates if name in available][:1]
    if provider and not gpu and provider not in ("CPUExecutionProvider",):
        sys.exit(f"{provider} is not available here: {', '.join(available)}")
    if options["uses_gpu"] and not gpu and not provider:
        print("no GPU provider is available here: everything runs on the CPU", file=sys.stderr)
    session_options = ort.SessionOptions()
    session_options.graph_optimization_level = LEVELS[options["graph_optimization_level"]]
    for key, value in options["session_config"].items():
        session_options.add_session_config_entry(key, value)
    providers = list(dict.fromkeys(gpu + ["CPUExecutionProvider"]))
    return ort.InferenceSession(str(pathlib.Path(folder) / options["model"]), session_options, providers=providers)


def assignment(session):
    """{provider: [node name, ...]} as ONNX Runtime reports it, after its own optimisations."""
    nodes = {}
    for part in session.get_provider_graph_assignment_info():
        nodes.setdefault(part.ep_name, []).extend(node.name for node in part.get_nodes())
    return nodes


def random_inputs(session, seed=0, free=1):
    """Random values for every input; `free` is the size of dimensions the model leaves open."""
    rng = np.random.default_rng(seed)
    inputs = {}
    for each in session.get_inputs():
        shape = [size if isinstance(size, int) and size > 0 else free for size in each.shape]
        kind = TYPES[each.type]
        inputs[each.name] = (rng.standard_normal(shape) if np.issubdtype(kind, np.floating)
                             else rng.integers(0, 2, shape)).astype(kind)
    return inputs


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", action="append", default=[], metavar="[NAME=]FILE.npy", help="default: random")
    parser.add_argument("--provider", help="for example CUDAExecutionProvider; default: the first available one")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--free", type=int, default=1, help="size of open dimensions of random input")
    parser.add_argument("--output", metavar="FILE.npz", help="write the outputs")
    arguments = parser.parse_args()

    session = load(arguments.provider)
    for name, nodes in sorted(assignment(session).items()):
        shown = ", ".join(nodes[:8]) + (", ..." if len(nodes) > 8 else "")
        print(f"{name}: {len(nodes)} nodes ({plain(shown)})")
    inputs = random_inputs(session, free=arguments.free)
    for position, text in enumerate(arguments.input):
        name, separator, file = text.rpartition("=")
        inputs[name if separator else session.get_inputs()[position].name] = np.load(file)
    for _ in range(arguments.repeat):
        start = time.perf_counter()
        outputs = session.run(None, inputs)
        print(f"run: {1e3 * (time.perf_counter() - start):.3f} ms")
    named = {each.name: value for each, value in zip(session.get_outputs(), outputs)}
    for name, value in named.items():
        print(f"{plain(name)}: {getattr(value, 'dtype', type(value).__name__)} {getattr(value, 'shape', '')}")
    if arguments.output:
        np.savez(arguments.output, **{file_name(name): value for name, value in named.items()})


if __name__ == "__main__":
    main()
)py";

const std::string_view kOnnxRuntimeReadme = R"txt(
Needed: ONNX Runtime 1.25 or newer (pip install onnxruntime, onnxruntime-gpu, onnxruntime-directml or a WebGPU build).
Older versions load the model and ignore the placement.

    python run_onnxruntime.py                 prints the assignment and runs once on random input
    python run_onnxruntime.py --input x.npy   runs on an input of your own

Files
    *.tandem.onnx         the model; every node carries "layer_ann" in its metadata_props
    session_options.json  the settings to give to ONNX Runtime, the placement among them
    run_onnxruntime.py    a short loader that applies them
    names.json            device and annotation of every node

In a program of your own, set the entries of "session_config" with add_session_config_entry (Python),
AddSessionConfigEntry (C, C++, C#) or `extra.session` (Node.js), and list a GPU provider before the CPU provider.
A rule for a provider that is missing is logged as an error by ONNX Runtime; those nodes then run on the CPU.
)txt";

} // namespace tandem
