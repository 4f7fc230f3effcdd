#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs for every contender, the same bytes. Usage: prepare.py MODEL.onnx SHAPES FOLDER, SHAPES being {input: shape} as JSON.
Takes the model's own test data where its folder has some, else random values of a fixed seed; writes each input as raw
elements, all of them as inputs.npz, and prints the job's "inputs", "outputs" and "dims" as JSON."""
import json
import pathlib
import sys

import numpy
import onnx
from onnx import numpy_helper


def own_data(file, names):
    """The first data set beside the model, in the layout of the ONNX backend tests."""
    folder = file.parent / "test_data" / file.stem
    sets = sorted(folder.glob("test_data_set_*")) or sorted(folder.glob("*/test_data_set_*"))
    found = {}
    for i, name in enumerate(names):
        tensor = onnx.TensorProto()
        part = sets[0] / f"input_{i}.pb" if sets else None
        if part is None or not part.exists():
            return None
        tensor.ParseFromString(part.read_bytes())
        found[tensor.name if tensor.name in names else name] = numpy_helper.to_array(tensor)
    return found


def random_value(random, value, shape):
    kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    # Small whole numbers serve as indices and masks.
    values = random.uniform(-1, 1, shape) if kind.kind == "f" else random.integers(0, 2, shape)
    return values.astype(kind)


def main():
    file, shapes, folder = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), pathlib.Path(sys.argv[3])
    graph = onnx.load(file, load_external_data=False).graph
    weights = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in weights]
    random = numpy.random.default_rng(1)
    given = own_data(file, [each.name for each in inputs])
    if given is None:
        given = {each.name: random_value(random, each, shapes[each.name]) for each in inputs}
    dims = {}
    for each in inputs:
        for dim, size in zip(each.type.tensor_type.shape.dim, given[each.name].shape):
            if dim.dim_param:
                dims[dim.dim_param] = size
    numpy.savez(folder / "inputs.npz", **given)
    described = []
    for i, (name, array) in enumerate(given.items()):
        raw = folder / f"input_{i}.raw"
        numpy.ascontiguousarray(array).tofile(raw)
        described.append({"name": name, "type": array.dtype.name, "shape": list(array.shape), "file": str(raw)})
    print(json.dumps({"inputs": described, "outputs": [each.name for each in graph.output], "dims": dims}))


if __name__ == "__main__":
    main()
