#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantizes real models with the tools of ONNX Runtime and compares the results with those of ONNX Runtime.

    quantized_models.py TANDEM_PROGRAM DATA [MODEL...]

Each model is quantized statically (QDQ and QOperator nodes, signed and unsigned, per tensor and per channel) and
dynamically, and, where that changes something, also run as ONNX Runtime saves it after its own optimizations. A sum that
falls on a tie rounds differently in another order of additions, and later layers magnify the step; BOUNDS says by how much
results may differ, as a share of the largest expected number. Exit code 77, which CTest reports as skipped, where ONNX
Runtime or the data are absent.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PYTHON = os.environ.get("TANDEM_PYTHON", sys.executable)
MODELS = ("squeezenet-imagenet/squeezenet_fp32.onnx", "ultraface-rfb-320/version-RFB-320.onnx",
          "bert-dummy-encoder/dummy_transformer.onnx", "byte-sentence-bilstm/byte_sb_bidi_lstm.onnx",
          "mnist-8-cntk/mnist-8.onnx")
# Largest and mean difference. Dynamic ranges depend on single elements, so that steps spread furthest there.
BOUNDS = {"qdq": (0.06, 0.004), "qoperator": (0.02, 0.001), "dynamic": (0.10, 0.02), "saved": (0.06, 0.004)}


def main():
    program, data, wanted = sys.argv[1], pathlib.Path(sys.argv[2]) / "models", sys.argv[3:]
    if not data.is_dir():
        print(f"skipped: no data in {data}")
        sys.exit(77)
    if subprocess.run([PYTHON, "-c", "import numpy, onnx, onnxruntime"], capture_output=True, check=False).returncode:
        print(f"skipped: {PYTHON} has no numpy, onnx and onnxruntime; `./dev test` installs them")
        sys.exit(77)
    if "--inside" not in wanted:  # the Python that has the packages
        sys.exit(subprocess.run([PYTHON, __file__, program, sys.argv[2], *wanted, "--inside"], check=False).returncode)
    wanted.remove("--inside")
    bad = 0
    with tempfile.TemporaryDirectory() as scratch:
        for model in MODELS:
            if not wanted or any(part in model for part in wanted):
                bad += Checks(program, data / model, pathlib.Path(scratch)).run()
    sys.exit(1 if bad else 0)


class Checks:
    def __init__(self, program, model, scratch):
        import onnx
        from onnx import numpy_helper, version_converter
        self.program, self.name = program, model.stem
        self.folder = scratch / model.stem
        self.folder.mkdir()
        graph = onnx.load(str(model))
        if graph.opset_import[0].version < 13:  # scales per channel need it
            graph = version_converter.convert_version(graph, 13)
        weights = {each.name for each in graph.graph.initializer}
        for each in [each for each in graph.graph.input if each.name in weights]:
            graph.graph.input.remove(each)
        graph.ir_version = max(graph.ir_version, 7)
        self.source = self.folder / "source.onnx"
        onnx.save(graph, str(self.source))
        folder = model.parent / "test_data" / model.stem
        files = sorted((folder / "test_data_set_0").glob("input_*.pb"), key=lambda file: int(file.stem.split("_")[1]))
        self.feed = {each.name: numpy_helper.to_array(onnx.load_tensor(str(file)))
                     for each, file in zip(graph.graph.input, files)}

    def run(self):
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static
        unsigned, signed = QuantType.QUInt8, QuantType.QInt8
        bad = 0
        for kind, form in (("qdq", QuantFormat.QDQ), ("qoperator", QuantFormat.QOperator)):
            for activation, per_channel in ((unsigned, True), (signed, False)):
                file = self.folder / f"{kind}_{activation.name.lower()}.onnx"
                quantize_static(str(self.source), str(file), OneSample(self.feed), quant_format=form,
                                activation_type=activation, weight_type=signed, per_channel=per_channel)
                # For a single class ONNX Runtime's unsigned QLinearSoftmax wraps 256 to 0 (the sample has one token).
                if (self.name, kind, activation) != ("dummy_transformer", "qoperator", unsigned):
                    bad += self.compare(kind, file)
                if kind == "qdq" and self.name != "dummy_transformer":
                    bad += self.compare("saved", self.saved(file))
        for weight in (unsigned, signed):
            file = self.folder / f"dynamic_{weight.name.lower()}.onnx"
            quantize_dynamic(str(self.source), str(file), weight_type=weight)
            bad += self.compare("dynamic", file)
        return bad

    def session(self, file, level, saved=None):
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = level
        if saved:
            options.optimized_model_filepath = str(saved)
        return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def saved(self, file):
        import onnxruntime as ort
        result = file.with_name(f"{file.stem}_saved.onnx")
        self.session(file, ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, result)
        return result

    def compare(self, kind, file):
        import numpy as np
        import onnxruntime as ort
        session = self.session(file, ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
        expected = session.run(None, self.feed)
        given = []
        for value in self.feed.values(): # in the order of the model
            path = self.folder / f"{len(given)}.npy"
            np.save(path, value)
            given += ["--input", str(path)]
        results = self.folder / f"{file.stem}_results"
        done = subprocess.run([self.program, "predict", str(file), *given, "--device", "CPU:0", "--output", str(results),
                               "--json"], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{self.name} {file.stem}: {done.stderr or done.stdout}")
            return 1
        files = sorted(results.glob("*.npy"), key=lambda each: int(each.stem.split("_")[0]))
        worst, mean = 0.0, 0.0
        for path, value in zip(files, expected, strict=True):
            difference = np.abs(np.load(path).astype(np.float64) - value) / max(1e-9, float(np.abs(value).max()))
            worst, mean = max(worst, float(difference.max())), max(mean, float(difference.mean()))
        passed = worst <= BOUNDS[kind][0] and mean <= BOUNDS[kind][1]
        print(f"{self.name} {file.stem}: largest difference {worst:.2%} of the range, mean {mean:.3%}"
              + ("" if passed else f": above the bound of {BOUNDS[kind][0]:.0%} and {BOUNDS[kind][1]:.1%}"), flush=True)
        return 0 if passed else 1


class OneSample:
    """Calibration data of one sample."""

    def __init__(self, feed):
        self.feeds = [feed]

    def get_next(self):
        return self.feeds.pop() if self.feeds else None


if __name__ == "__main__":
    main()
