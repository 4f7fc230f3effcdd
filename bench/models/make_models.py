#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes models for compare.py that no sample stands for: quantized ones, a dynamically quantized feed-forward stack, and
recurrent layers. Usage: make_models.py FOLDER [SQUEEZENET.onnx]; prints the files. Seeds are fixed."""
import logging
import pathlib
import sys

import numpy
import onnx
from onnx import helper, numpy_helper, version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

RANDOM = numpy.random.default_rng(1)


def weights(name, *shape):
    values = RANDOM.standard_normal(shape) / numpy.sqrt(shape[-2] if len(shape) > 1 else 1)
    return numpy_helper.from_array(values.astype(numpy.float32), name)


def save(file, nodes, inits, given, made):
    value = lambda name, shape: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, file.stem, [value("x", given)], [value(made[0], made[1])], inits)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), file)


def feed_forward(file, layers=6, rows=128, width=768):
    """The larger half of a BERT-base encoder: two products, a bias and a residual per layer."""
    nodes, inits, at = [], [], "x"
    for i in range(layers):
        inits += [weights(f"w{i}", width, 4 * width), weights(f"b{i}", 4 * width), weights(f"v{i}", 4 * width, width)]
        nodes += [helper.make_node("MatMul", [at, f"w{i}"], [f"m{i}"]), helper.make_node("Add", [f"m{i}", f"b{i}"], [f"a{i}"]),
                  helper.make_node("Relu", [f"a{i}"], [f"r{i}"]), helper.make_node("MatMul", [f"r{i}", f"v{i}"], [f"n{i}"]),
                  helper.make_node("Add", [at, f"n{i}"], [f"y{i}"])]
        at = f"y{i}"
    save(file, nodes, inits, [1, rows, width], (at, [1, rows, width]))


def recurrent(file, kind, steps=100, batch=1, width=128, hidden=256):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    inits = [weights("w", 1, gates * hidden, width), weights("r", 1, gates * hidden, hidden)]
    node = helper.make_node(kind, ["x", "w", "r"], ["y"], hidden_size=hidden)
    save(file, [node], inits, [steps, batch, width], ("y", [steps, 1, batch, hidden]))


class Pictures(CalibrationDataReader):
    def __init__(self, name):
        self.items = iter([{name: RANDOM.uniform(0, 255, (1, 3, 224, 224)).astype(numpy.float32)} for _ in range(3)])

    def get_next(self):
        return next(self.items, None)


def quantized(folder, source):
    model = onnx.load(source)
    if model.opset_import[0].version < 13:
        model = version_converter.convert_version(model, 13)
    known = {each.name for each in model.graph.initializer}
    for each in [each for each in model.graph.input if each.name in known]:
        model.graph.input.remove(each)
    model.ir_version = 8
    plain = folder / "squeezenet_13.onnx"
    onnx.save(model, plain)
    for form in (QuantFormat.QOperator, QuantFormat.QDQ):
        file = folder / f"squeezenet_{form.name.lower()}.onnx"
        quantize_static(plain, file, Pictures(model.graph.input[0].name), quant_format=form,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
        yield file


def main():
    logging.disable(logging.WARNING)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "feed_forward.onnx", folder / "feed_forward_int8.onnx"]
    feed_forward(files[0])
    quantize_dynamic(files[0], files[1], weight_type=QuantType.QInt8)
    for kind in ("LSTM", "GRU", "RNN"):
        files.append(folder / f"{kind.lower()}.onnx")
        recurrent(files[-1], kind)
    if len(sys.argv) > 2:
        files += quantized(folder, sys.argv[2])
    print(*files, sep="\n")


if __name__ == "__main__":
    main()
