#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a half precision model of a float32 one. Usage: half.py GIVEN.onnx MADE.onnx. Every float32 weight, constant, input,
output and cast becomes float16; what is whole numbers stays. For measuring: ranges are not looked after."""
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, numpy_helper


def halved(tensor):
    if tensor.data_type != TensorProto.FLOAT:
        return tensor
    values = numpy.clip(numpy_helper.to_array(tensor), -65504, 65504)
    return numpy_helper.from_array(values.astype(numpy.float16), tensor.name)


def halve(model):
    """Changes the model in place. Sizes that Resize takes as floats stay float32, as the operator asks for."""
    graph = model.graph
    sizes = {name for node in graph.node if node.op_type == "Resize" for name in list(node.input)[1:]}
    for init in graph.initializer:
        if init.name not in sizes:
            init.CopyFrom(halved(init))
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
            elif attribute.type == onnx.AttributeProto.TENSOR and not sizes & set(node.output):
                attribute.t.CopyFrom(halved(attribute.t))
    for value in [*graph.input, *graph.output]:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.FLOAT16
    del graph.value_info[:]
    return model


def main():
    given, made = map(pathlib.Path, sys.argv[1:3])
    unfinished = made.with_suffix(".unfinished")
    onnx.save(halve(onnx.load(given)), unfinished)
    unfinished.rename(made)


if __name__ == "__main__":
    main()
