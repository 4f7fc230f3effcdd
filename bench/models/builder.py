# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ONNX models node by node, with seeded random weights."""
import numpy
import onnx
from onnx import helper, numpy_helper


class Builder:
    """Nodes by call: `b.Conv(x, w)` adds a node and returns the name of its first output."""

    def __init__(self, opset=13):
        self.random = numpy.random.default_rng(1)
        self.opset, self.nodes, self.inits, self.inputs, self.count = opset, [], [], [], 0

    def __getattr__(self, op):
        def add(*given, outputs=1, **attributes):
            self.count += 1
            names = [f"{op}_{self.count}_{i}" for i in range(outputs)]
            self.nodes.append(helper.make_node(op, list(given), names, name=f"{op}_{self.count}", **attributes))
            return names[0] if outputs == 1 else names
        return add

    def constant(self, values, dtype=numpy.float32):
        self.count += 1
        self.inits.append(numpy_helper.from_array(numpy.asarray(values, dtype), f"const_{self.count}"))
        return self.inits[-1].name

    def weights(self, *shape, fan_in, gain=1.0):
        return self.constant(self.random.standard_normal(shape) * numpy.sqrt(gain / fan_in))

    def input(self, name, shape, kind=onnx.TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def save(self, file, *outputs):
        made = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in outputs]
        graph = helper.make_graph(self.nodes, file.stem, self.inputs, made, self.inits)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        onnx.checker.check_model(onnx.shape_inference.infer_shapes(model))
        onnx.save(model, file)

    def conv(self, x, channels, wanted, kernel, stride=1, groups=1):
        weights = self.weights(wanted, channels // groups, kernel, kernel, fan_in=channels // groups * kernel**2, gain=2.0)
        return self.Conv(x, weights, self.constant(self.random.uniform(-0.1, 0.1, wanted)), strides=[stride] * 2,
                         pads=[kernel // 2] * 4, kernel_shape=[kernel] * 2, group=groups)

    def linear(self, x, given, wanted, bias=True):
        product = self.MatMul(x, self.weights(given, wanted, fan_in=given))
        return self.Add(self.constant(self.random.uniform(-0.1, 0.1, wanted)), product) if bias else product

    def layer_norm(self, x, width):
        centred = self.Sub(x, self.ReduceMean(x, axes=[-1]))
        variance = self.ReduceMean(self.Pow(centred, self.constant(2.0)), axes=[-1])
        normal = self.Div(centred, self.Sqrt(self.Add(variance, self.constant(1e-5))))
        scale = self.Mul(normal, self.constant(self.random.uniform(0.5, 1.5, width)))
        return self.Add(scale, self.constant(self.random.uniform(-0.1, 0.1, width)))
