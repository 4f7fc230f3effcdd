#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench/models/half.py makes a model that computes the same in half precision. Needs onnx and onnxruntime in the Python that
TANDEM_PYTHON names (`./dev test` sets it), else in this one; exit 77 where they are absent. Usage: half_test.py SOURCE_FOLDER"""
import os
import pathlib
import sys
import tempfile
import unittest

other = os.environ.pop("TANDEM_PYTHON", None)
if other and pathlib.Path(other).exists():
    os.execv(other, [other, *sys.argv])
try:
    import numpy
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(sys.argv.pop(1)) / "bench" / "models"))
sys.dont_write_bytecode = True
import half  # noqa: E402


def run(model, given):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, given)


class Half(unittest.TestCase):
    def model(self):
        """A product, a bias from a Constant, a cast from whole numbers and a Resize with its sizes as floats."""
        weights = numpy.random.default_rng(1).uniform(-1, 1, (4, 4)).astype(numpy.float32)
        bound = numpy_helper.from_array(numpy.full(4, 1e6, numpy.float32), "b")
        nodes = [helper.make_node("Constant", [], ["bias"], value=bound),
                 helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
                 helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Add", ["y", "f"], ["z"]),
                 helper.make_node("Min", ["bias", "z"], ["m"]),
                 helper.make_node("Resize", ["m", "", "scales"], ["out"], mode="nearest")]
        scales, tensor = numpy.array([1, 1, 1, 2], numpy.float32), helper.make_tensor_value_info
        inits = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(scales, "scales")]
        inputs = [tensor("x", TensorProto.FLOAT, [1, 1, 4, 4]), tensor("n", TensorProto.INT64, [1, 1, 4, 4])]
        graph = helper.make_graph(nodes, "g", inputs, [tensor("out", TensorProto.FLOAT, [1, 1, 4, 8])], inits)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)

    def test_the_half_model_is_valid_and_computes_nearly_the_same(self):
        random, plain = numpy.random.default_rng(2), self.model()
        x, n = random.uniform(-1, 1, (1, 1, 4, 4)).astype(numpy.float32), random.integers(0, 9, (1, 1, 4, 4))
        with tempfile.TemporaryDirectory() as folder:
            given, made = pathlib.Path(folder) / "plain.onnx", pathlib.Path(folder) / "half.onnx"
            onnx.save(plain, given)
            sys.argv[1:3] = [str(given), str(made)]
            half.main()
            halved = onnx.load(made)
            self.assertEqual(sorted(os.listdir(folder)), ["half.onnx", "plain.onnx"])
        onnx.checker.check_model(halved, full_check=True)
        expected, found = run(plain, {"x": x, "n": n})[0], run(halved, {"x": x.astype(numpy.float16), "n": n})[0]
        self.assertEqual(found.dtype, numpy.float16)
        numpy.testing.assert_allclose(found, expected, rtol=5e-3, atol=5e-3)
        kinds = {each.name: each.data_type for each in halved.graph.initializer}
        self.assertEqual(kinds, {"w": TensorProto.FLOAT16, "scales": TensorProto.FLOAT})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
