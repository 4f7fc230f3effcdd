# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a small seeded BERT encoder as frameworks export it, and what the tools of ONNX Runtime make of it: saved after
its optimizations, quantized dynamically, and both. Layout and groups as in contrib_cases.py.

    transformer_cases.py FOLDER
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

BATCH, STEPS, HIDDEN, HEADS, LAYERS, WORDS = 2, 8, 32, 4, 2, 50


class Encoder:
    def __init__(self):
        self.rng = np.random.default_rng(0)
        self.nodes, self.weights = [], []

    def constant(self, name, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, name, *shape):
        return self.constant(name, (self.rng.standard_normal(shape) * 0.2).astype(np.float32))

    def op(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"{output}_node", **attributes))
        return output

    def linear(self, x, name, inner, outer):
        product = self.op("MatMul", [x, self.weight(f"{name}.weight", inner, outer)], f"{name}_product")
        return self.op("Add", [self.weight(f"{name}.bias", outer), product], f"{name}_sum")

    def norm(self, x, name):
        return self.op("LayerNormalization", [x, self.weight(f"{name}.weight", HIDDEN), self.weight(f"{name}.bias", HIDDEN)],
                       name, axis=-1, epsilon=1e-12)

    def embed(self):
        words = self.op("Gather", [self.weight("words", WORDS, HIDDEN), "input_ids"], "word_rows")
        kinds = self.op("Gather", [self.weight("kinds", 2, HIDDEN), "token_type_ids"], "kind_rows")
        positions = self.constant("position_ids", np.arange(STEPS, dtype=np.int64)[None])
        places = self.op("Gather", [self.weight("places", 16, HIDDEN), positions], "place_rows")
        return self.norm(self.op("Add", [self.op("Add", [words, kinds], "two_rows"), places], "rows"), "embedding")

    def mask(self):
        mask = "attention_mask"
        for axis in (1, 2):
            mask = self.op("Unsqueeze", [mask, self.constant(f"axis{axis}", np.array([axis]))], f"mask{axis}")
        mask = self.op("Cast", [mask], "mask_real", to=TensorProto.FLOAT)
        mask = self.op("Sub", [self.constant("one", np.float32(1)), mask], "mask_inverse")
        return self.op("Mul", [mask, self.constant("low", np.float32(-10000))], "mask_term")

    def attend(self, x, mask, n):
        heads = self.constant(f"{n}heads", np.array([0, 0, HEADS, HIDDEN // HEADS]))

        def part(name, order):
            rows = self.op("Reshape", [self.linear(x, n + name, HIDDEN, HIDDEN), heads], f"{n}{name}_heads")
            return self.op("Transpose", [rows], f"{n}{name}_turned", perm=order)

        q, k, v = part("query", [0, 2, 1, 3]), part("key", [0, 2, 3, 1]), part("value", [0, 2, 1, 3])
        root = self.constant(f"{n}root", np.float32(np.sqrt(HIDDEN // HEADS)))
        scores = self.op("Div", [self.op("MatMul", [q, k], f"{n}scores"), root], f"{n}scaled")
        weights = self.op("Softmax", [self.op("Add", [scores, mask], f"{n}masked")], f"{n}weights", axis=-1)
        mixed = self.op("Transpose", [self.op("MatMul", [weights, v], f"{n}mixed")], f"{n}back", perm=[0, 2, 1, 3])
        rows = self.op("Reshape", [mixed, self.constant(f"{n}rows", np.array([0, 0, HIDDEN]))], f"{n}context")
        return self.linear(rows, f"{n}output", HIDDEN, HIDDEN)

    def gelu(self, x, n):
        inner = self.op("Div", [x, self.constant(f"{n}root2", np.float32(np.sqrt(2)))], f"{n}gelu_inner")
        phi = self.op("Add", [self.op("Erf", [inner], f"{n}erf"), self.constant(f"{n}one", np.float32(1))], f"{n}phi")
        return self.op("Mul", [self.op("Mul", [x, phi], f"{n}twice"), self.constant(f"{n}half", np.float32(0.5))], f"{n}gelu")

    def model(self):
        x, mask = self.embed(), self.mask()
        for layer in range(LAYERS):
            n = f"layer{layer}."
            x = self.norm(self.op("Add", [self.attend(x, mask, n), x], f"{n}sum"), f"{n}norm")
            wide = self.gelu(self.linear(x, f"{n}wide", HIDDEN, 2 * HIDDEN), n)
            x = self.norm(self.op("Add", [self.linear(wide, f"{n}narrow", 2 * HIDDEN, HIDDEN), x], f"{n}sum2"), f"{n}norm2")
        first = self.op("Gather", [x, self.constant("zero", np.int64(0))], "first", axis=1)
        dense = self.op("Gemm", [first, self.weight("pool", HIDDEN, HIDDEN), self.weight("pool_bias", HIDDEN)], "dense",
                        transB=1)
        pooled = self.op("Tanh", [dense], "pooled")
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", STEPS])
                  for name in ("input_ids", "token_type_ids", "attention_mask")]
        outputs = [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["batch", STEPS, HIDDEN]),
                   helper.make_tensor_value_info(pooled, TensorProto.FLOAT, ["batch", HIDDEN])]
        graph = helper.make_graph(self.nodes, "encoder", inputs, outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def session(file, level, saved=None):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = level
    if saved:
        options.optimized_model_filepath = str(saved)
    return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def write(folder, file, feed):
    """A case from a model file, with the results of ONNX Runtime without optimizations."""
    run = session(file, ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
    data = folder / "float" / f"encoder_{file.stem}" / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(onnx.load(str(file)), data.parent / "model.onnx")
    for i, each in enumerate(run.get_inputs()):
        (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(feed[each.name], each.name).SerializeToString())
    for i, (each, value) in enumerate(zip(run.get_outputs(), run.run(None, feed))):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(value, each.name).SerializeToString())


def main():
    folder = pathlib.Path(sys.argv[1])
    models = folder / "models"
    models.mkdir()
    rng = np.random.default_rng(1)
    feed = {"input_ids": rng.integers(0, WORDS, (BATCH, STEPS)), "token_type_ids": rng.integers(0, 2, (BATCH, STEPS)),
            "attention_mask": np.array([[1] * 8, [1] * 5 + [0] * 3], np.int64)}
    plain = models / "plain.onnx"
    onnx.save(Encoder().model(), str(plain))
    for weight in (QuantType.QInt8, QuantType.QUInt8):
        quantize_dynamic(str(plain), str(models / f"dynamic_{weight.name.lower()}.onnx"), weight_type=weight)
    for file in sorted(models.glob("*.onnx")):
        write(folder, file, feed)
        saved = models / f"{file.stem}_saved.onnx"
        session(file, ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, saved)
        write(folder, saved, feed)


if __name__ == "__main__":
    main()
