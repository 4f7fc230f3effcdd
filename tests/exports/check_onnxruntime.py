#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks an export folder of `tandem export --to onnxruntime` with the real ONNX Runtime.

    check_onnxruntime.py FOLDER [ORIGINAL.onnx] [--free N]

Asserts that the files are there and agree, that every node of the model carries an annotation that a rule names, that
ONNX Runtime accepts the settings (its log holds no complaint about them), that it reports an assignment for every node
that is left after its optimisations, on the CPU provider alone where no other is available, and that the loader runs.
With the original model, both must give the same outputs. --free is the size of dimensions that the model leaves open. Exit code 0, or 1 with the reason.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime as ort

SESSION = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("loader", sys.argv[1] + "/run_onnxruntime.py")
loader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loader)
print(json.dumps(loader.assignment(loader.load())))
"""


def require(condition, message):
    if not condition:
        sys.exit(f"check_onnxruntime: {message}")


def check_files(folder):
    options = json.loads((folder / "session_options.json").read_text(encoding="utf-8"))
    names = json.loads((folder / "names.json").read_text(encoding="utf-8"))["nodes"]
    for file in (options["model"], "run_onnxruntime.py", "README.txt"):
        require((folder / file).stat().st_size > 0, f"{file} is empty")
    setting = options["session_config"]["session.layer_assignment_settings"]
    require(len(setting) < 8192, "the layer assignment setting is longer than ONNX Runtime accepts")
    rules = dict(reversed(rule) for rule in re.findall(r"(\w+)\(=([^)]+)\)", setting))
    annotations = {entry["annotation"] for entry in names.values()}
    require(annotations == set(rules), f"rules {sorted(rules)} and annotations {sorted(annotations)} differ")
    require(options["session_config"]["session.record_ep_graph_assignment_info"] == "1", "assignments are not recorded")
    return options, names


def check_model(folder, options, names):
    try:
        import onnx
    except ImportError:
        print("note: the onnx package is not installed; annotations in the model file were not read")
        return
    model = onnx.load(str(folder / options["model"]), load_external_data=False)
    require(model.ir_version >= 10, f"IR version {model.ir_version} has no metadata on nodes")
    for node in model.graph.node:
        found = {entry.key: entry.value for entry in node.metadata_props}.get("layer_ann")
        require(found is not None, f"node '{node.name}' ({node.op_type}) has no annotation")
        if node.name in names:
            require(found == names[node.name]["annotation"], f"node '{node.name}' is annotated {found}")


def check_session(folder, names):
    done = subprocess.run([sys.executable, "-c", SESSION, str(folder)], capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"ONNX Runtime refuses the session:\n{done.stderr}")
    for complaint in ("Invalid layering config", "Name-based layer assignment", "longer than maximum", "Cannot set both"):
        require(complaint not in done.stderr, f"ONNX Runtime complains about the setting:\n{done.stderr}")
    assignment = json.loads(done.stdout.strip().splitlines()[-1])
    require(assignment and all(assignment.values()), "ONNX Runtime reports no assignment")
    gpu = [name for name in ort.get_available_providers() if name != "CPUExecutionProvider"]
    if set(gpu).isdisjoint(json.loads((folder / "session_options.json").read_text())["gpu_providers"]):
        require(set(assignment) == {"CPUExecutionProvider"}, f"nodes on {sorted(assignment)} with the CPU provider alone")
    # Optimisations drop and rename nodes; the rest keep their names.
    reported = {node for nodes in assignment.values() for node in nodes}
    known = sum(1 for node in reported if re.sub(r"_token_\d+$", "", node) in names)
    return assignment, known, len(reported)


def check_loader(folder, original, free):
    with tempfile.TemporaryDirectory() as scratch:
        output = pathlib.Path(scratch) / "out.npz"
        done = subprocess.run([sys.executable, str(folder / "run_onnxruntime.py"), "--output", str(output), "--free", str(free)],
                              capture_output=True, text=True, check=False)
        require(done.returncode == 0, f"the loader fails:\n{done.stderr}")
        require("ExecutionProvider: " in done.stdout, f"the loader prints no assignment:\n{done.stdout}")
        results = np.load(output)
        require(len(results.files) > 0, "the loader wrote no outputs")
        if not original:
            return
        sys.path.insert(0, str(folder))
        import run_onnxruntime as loader
        quiet = ort.SessionOptions()
        quiet.log_severity_level = 3
        session = ort.InferenceSession(str(original), quiet, providers=["CPUExecutionProvider"])
        expected = session.run(None, loader.random_inputs(session, free=free))
        for each, value in zip(session.get_outputs(), expected):
            require(np.allclose(results[each.name], value, rtol=1e-3, atol=1e-4), f"output '{each.name}' differs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("original", nargs="?")
    parser.add_argument("--free", type=int, default=1)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    options, names = check_files(folder)
    check_model(folder, options, names)
    assignment, known, total = check_session(folder, names)
    check_loader(folder, arguments.original, arguments.free)
    per_provider = ", ".join(f"{len(nodes)} on {name}" for name, nodes in sorted(assignment.items()))
    print(f"ONNX Runtime {ort.__version__}: {per_provider}; {known} of {total} names as in the model")


if __name__ == "__main__":
    main()
