#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the models that `./dev bench models` runs. Usage: architectures.py FOLDER [--batch N] [NAME...]; prints the files.
The image networks are those of the onnx package's backend tests, with weights of a usual magnitude in place of their
constants; the others are written here node by node, as their usual exporters write them. Seeds are fixed."""
import argparse
import logging
import pathlib
import tempfile

import numpy
import onnx
from onnx import helper, numpy_helper, version_converter

from builder import Builder

LIGHT = ["densenet121", "inception_v1", "resnet50", "shufflenet", "squeezenet", "vgg19"]


def light(file, name, batch):
    """An image network of the onnx package: the generated weights become initializers of He's magnitude."""
    folder = pathlib.Path(onnx.__file__).parent / "backend/test/data/light"
    model = onnx.load(folder / f"light_{name}.onnx")
    random, graph = numpy.random.default_rng(1), model.graph
    shapes = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    variances = {node.input[4] for node in graph.node if node.op_type == "BatchNormalization"}
    kept, made = [], {}
    for node in graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        shape = [int(size) for size in shapes[node.input[0]]]
        scale = numpy.sqrt(2 / max(numpy.prod(shape[1:]), 1)) if len(shape) > 1 else 0.1
        values = random.uniform(0.5, 1.5, shape) if node.output[0] in variances else random.standard_normal(shape) * scale
        made[node.output[0]] = numpy_helper.from_array(values.astype(numpy.float32), node.output[0])
    for node in kept:
        if node.op_type == "BatchNormalization":
            scale = node.input[1]
            shape = made[scale].dims if scale in made else shapes[scale].shape
            made[scale] = numpy_helper.from_array(random.uniform(0.5, 1.5, shape).astype(numpy.float32), scale)
        if node.op_type == "Reshape" and batch != 1 and node.input[0] not in made:
            target = shapes[node.input[1]].copy()
            target[0] = batch
            made[node.input[1]] = numpy_helper.from_array(target, node.input[1])
    used = {name for node in kept for name in node.input}
    inits = [each for each in graph.initializer if each.name in used and each.name not in made] + list(made.values())
    inputs = [each for each in graph.input if each.name in used and each.name not in {init.name for init in inits}]
    for each in [*inputs, *graph.output]:
        each.type.tensor_type.shape.dim[0].dim_value = batch
    new = helper.make_graph(kept, name, inputs, graph.output, inits)
    onnx.save(spread(helper.make_model(new, opset_imports=model.opset_import, ir_version=8)), file)


def spread(model):
    """Scales the layer before a final Softmax so that its logits deviate by 1: random weights make them large, the result
    one-hot, and a comparison of results blind."""
    from onnxruntime import InferenceSession
    made_by = {name: node for node in model.graph.node for name in node.output}
    last = made_by[model.graph.output[0].name]
    layer = made_by.get(last.input[0])
    if last.op_type != "Softmax" or layer is None or layer.op_type != "Gemm":
        return model
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.append(helper.make_tensor_value_info(layer.output[0], onnx.TensorProto.FLOAT, None))
    session = InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    picture = numpy.random.default_rng(1).uniform(-1, 1, given.shape).astype(numpy.float32)
    deviation = float(session.run(None, {given.name: picture})[0].std())
    for init in model.graph.initializer:
        if init.name in layer.input[1:]:
            init.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(init) / numpy.float32(deviation), init.name))
    return model


def mobilenet_v2(file, batch):
    """Sandler et al. 2018, width 1.0, as PyTorch exports it after folding batch normalization."""
    b = Builder()
    relu6 = lambda x: b.Clip(x, b.constant(0.0), b.constant(6.0))
    x, channels = relu6(b.conv(b.input("input", [batch, 3, 224, 224]), 3, 32, 3, 2)), 32
    for expand, wanted, repeats, first in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                           (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(repeats):
            stride, inner = first if i == 0 else 1, channels * expand
            y = x if expand == 1 else relu6(b.conv(x, channels, inner, 1))
            y = b.conv(relu6(b.conv(y, inner, inner, 3, stride, inner)), inner, wanted, 1)
            x = b.Add(x, y) if stride == 1 and channels == wanted else y
            channels = wanted
    x = b.Flatten(b.GlobalAveragePool(relu6(b.conv(x, channels, 1280, 1))))
    y = b.Gemm(x, b.weights(1000, 1280, fan_in=1280), b.constant(numpy.zeros(1000)), transB=1)
    b.save(file, (y, [batch, 1000]))


def yolox_nano(file, batch):
    """Ge et al. 2021: depthwise CSPDarknet and PAFPN of width 0.25 and depth 0.33, decoupled head, 416 x 416."""
    b = Builder()
    silu = lambda x: b.Mul(x, b.Sigmoid(x))
    plain = lambda x, c, w, k, s=1: silu(b.conv(x, c, w, k, s))
    depthwise = lambda x, c, w, k, s=1: plain(silu(b.conv(x, c, c, k, s, c)), c, w, 1)

    def csp(x, c, w, repeats, shortcut):
        half = w // 2
        left, right = plain(x, c, half, 1), plain(x, c, half, 1)
        for _ in range(repeats):
            y = depthwise(plain(left, half, half, 1), half, half, 3)
            left = b.Add(y, left) if shortcut else y
        return plain(b.Concat(left, right, axis=1), w, w, 1)

    image = b.input("images", [batch, 3, 416, 416])
    part = lambda x, axis, start: b.Slice(x, *(b.constant([v], numpy.int64) for v in (start, 2**31 - 1, axis, 2)))
    x = b.Concat(*(part(part(image, 2, row), 3, col) for row, col in [(0, 0), (1, 0), (0, 1), (1, 1)]), axis=1)
    x = plain(x, 12, 16, 3)
    x = csp(depthwise(x, 16, 32, 3, 2), 32, 32, 1, True)
    c3 = csp(depthwise(x, 32, 64, 3, 2), 64, 64, 3, True)
    c4 = csp(depthwise(c3, 64, 128, 3, 2), 128, 128, 3, True)
    x = plain(depthwise(c4, 128, 256, 3, 2), 256, 128, 1)
    pools = [b.MaxPool(x, kernel_shape=[k, k], pads=[k // 2] * 4, strides=[1, 1]) for k in (5, 9, 13)]
    c5 = csp(plain(b.Concat(x, *pools, axis=1), 512, 256, 1), 256, 256, 1, False)

    def up(x):
        return b.Resize(x, "", b.constant([1, 1, 2, 2]), mode="nearest", nearest_mode="floor",
                        coordinate_transformation_mode="asymmetric")

    p5 = plain(c5, 256, 128, 1)
    p4 = plain(csp(b.Concat(up(p5), c4, axis=1), 256, 128, 1, False), 128, 64, 1)
    out3 = csp(b.Concat(up(p4), c3, axis=1), 128, 64, 1, False)
    out4 = csp(b.Concat(depthwise(out3, 64, 64, 3, 2), p4, axis=1), 128, 128, 1, False)
    out5 = csp(b.Concat(depthwise(out4, 128, 128, 3, 2), p5, axis=1), 256, 256, 1, False)
    flat = []
    for x, channels, size in [(out3, 64, 52), (out4, 128, 26), (out5, 256, 13)]:
        x = plain(x, channels, 64, 1)
        classes, boxes = (depthwise(depthwise(x, 64, 64, 3), 64, 64, 3) for _ in range(2))
        y = b.Concat(b.conv(boxes, 64, 4, 1), b.Sigmoid(b.conv(boxes, 64, 1, 1)), b.Sigmoid(b.conv(classes, 64, 80, 1)), axis=1)
        flat.append(b.Reshape(y, b.constant([batch, 85, size * size], numpy.int64)))
    y = b.Transpose(b.Concat(*flat, axis=2), perm=[0, 2, 1])
    b.save(file, (y, [batch, 3549, 85]))


def heads(b, x, batch, steps, count, width, transposed=False):
    x = b.Reshape(x, b.constant([batch, steps, count, width], numpy.int64))
    return b.Transpose(x, perm=[0, 2, 3, 1] if transposed else [0, 2, 1, 3])


def joined(b, x, batch, steps, width):
    return b.Reshape(b.Transpose(x, perm=[0, 2, 1, 3]), b.constant([batch, steps, width], numpy.int64))


def bert_base(file, batch, steps=128, layers=12, width=768, count=12):
    """Devlin et al. 2018, as PyTorch exports it before LayerNormalization became an operator."""
    b = Builder()
    kind, each = onnx.TensorProto.INT64, width // count
    ids, mask, types = (b.input(name, [batch, steps], kind) for name in ("input_ids", "attention_mask", "token_type_ids"))
    words, positions = b.weights(30522, width, fan_in=width), b.weights(1, steps, width, fan_in=width)
    x = b.Add(b.Add(b.Gather(words, ids), b.Gather(b.weights(2, width, fan_in=width), types)), positions)
    x = b.layer_norm(x, width)
    hidden = b.Cast(b.Unsqueeze(b.Unsqueeze(mask, b.constant([1], numpy.int64)), b.constant([2], numpy.int64)), to=1)
    hidden = b.Mul(b.Sub(b.constant(1.0), hidden), b.constant(-10000.0))
    for _ in range(layers):
        q, k, v = (b.linear(x, width, width) for _ in range(3))
        scores = b.MatMul(heads(b, q, batch, steps, count, each), heads(b, k, batch, steps, count, each, True))
        scores = b.Add(b.Div(scores, b.constant(numpy.sqrt(each))), hidden)
        mixed = b.MatMul(b.Softmax(scores, axis=-1), heads(b, v, batch, steps, count, each))
        x = b.layer_norm(b.Add(b.linear(joined(b, mixed, batch, steps, width), width, width), x), width)
        y = b.linear(x, width, 4 * width)
        y = b.Mul(b.Mul(y, b.Add(b.Erf(b.Div(y, b.constant(numpy.sqrt(2)))), b.constant(1.0))), b.constant(0.5))
        x = b.layer_norm(b.Add(b.linear(y, 4 * width, width), x), width)
    b.save(file, (x, [batch, steps, width]))


def gpt2(file, batch, steps=128, layers=6, width=768, count=12):
    """A distilled GPT-2 (Radford et al. 2019): pre-normalization, causal mask by Where, GELU by Tanh."""
    b = Builder()
    each = width // count
    words = b.weights(50257, width, fan_in=width)
    x = b.Add(b.Gather(words, b.input("input_ids", [batch, steps], onnx.TensorProto.INT64)),
              b.weights(1, steps, width, fan_in=width))
    causal = b.constant(numpy.tril(numpy.ones((1, 1, steps, steps), bool)), bool)

    def dense(x, given, wanted):
        flat = b.Gemm(b.Reshape(x, b.constant([-1, given], numpy.int64)), b.weights(given, wanted, fan_in=given),
                      b.constant(b.random.uniform(-0.1, 0.1, wanted)))
        return b.Reshape(flat, b.constant([batch, steps, wanted], numpy.int64))

    for _ in range(layers):
        y = dense(b.layer_norm(x, width), width, 3 * width)
        q, k, v = b.Split(y, b.constant([width] * 3, numpy.int64), axis=2, outputs=3)
        scores = b.MatMul(heads(b, q, batch, steps, count, each), heads(b, k, batch, steps, count, each, True))
        scores = b.Where(causal, b.Div(scores, b.constant(numpy.sqrt(each))), b.constant(-10000.0))
        mixed = b.MatMul(b.Softmax(scores, axis=-1), heads(b, v, batch, steps, count, each))
        x = b.Add(dense(joined(b, mixed, batch, steps, width), width, width), x)
        y = dense(b.layer_norm(x, width), width, 4 * width)
        inner = b.Mul(b.Add(y, b.Mul(b.Pow(y, b.constant(3.0)), b.constant(0.044715))), b.constant(numpy.sqrt(2 / numpy.pi)))
        y = b.Mul(b.Mul(y, b.constant(0.5)), b.Add(b.Tanh(inner), b.constant(1.0)))
        x = b.Add(x, dense(y, 4 * width, width))
    # The language model's head for the last token, which is what generation asks for.
    last = b.Gather(b.layer_norm(x, width), b.constant(steps - 1, numpy.int64), axis=1)
    y = b.MatMul(last, b.Transpose(words, perm=[1, 0]))
    b.save(file, (y, [batch, 50257]))


def lstm(file, batch, steps=128, width=128, hidden=256):
    """A text classifier: embedding, two bidirectional LSTM layers, the last states, one dense layer."""
    b = Builder()
    ids = b.input("ids", [batch, steps], onnx.TensorProto.INT64)
    x, given = b.Transpose(b.Gather(b.weights(10000, width, fan_in=1), ids), perm=[1, 0, 2]), width
    for _ in range(2):
        y, last, _ = b.LSTM(x, b.weights(2, 4 * hidden, given, fan_in=given), b.weights(2, 4 * hidden, hidden, fan_in=hidden),
                            b.constant(numpy.zeros((2, 8 * hidden))), hidden_size=hidden, direction="bidirectional", outputs=3)
        x = b.Reshape(b.Transpose(y, perm=[0, 2, 1, 3]), b.constant([steps, batch, 2 * hidden], numpy.int64))
        given = 2 * hidden
    x = b.Reshape(b.Transpose(last, perm=[1, 0, 2]), b.constant([batch, 2 * hidden], numpy.int64))
    b.save(file, (b.Gemm(x, b.weights(2 * hidden, 5, fan_in=hidden), b.constant(numpy.zeros(5))), [batch, 5]))


def feed_forward(file, batch, layers=6, rows=128, width=768):
    """The larger half of a BERT-base encoder: two products, a bias and a residual per layer."""
    b = Builder()
    x = b.input("x", [batch, rows, width])
    for _ in range(layers):
        inner = b.Relu(b.linear(x, width, 4 * width))
        x = b.Add(x, b.linear(inner, 4 * width, width, bias=False))
    b.save(file, (x, [batch, rows, width]))


def feed_forward_int8(file, batch):
    """The same, its weights quantized and its activations at run time."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    plain = file.with_suffix(".plain.onnx")
    feed_forward(plain, batch)
    quantize_dynamic(plain, file, weight_type=QuantType.QInt8)


def recurrent(kind, gates):
    """One layer as the frameworks' benchmarks have it: 100 steps of 128 numbers, 256 states."""
    def make(file, batch, steps=100, width=128, hidden=256):
        b = Builder()
        x = b.input("x", [steps, batch, width])
        y = getattr(b, kind)(x, b.weights(1, gates * hidden, width, fan_in=width),
                             b.weights(1, gates * hidden, hidden, fan_in=hidden), hidden_size=hidden)
        b.save(file, (y, [steps, 1, batch, hidden]))
    return make


def quantized(form):
    """SqueezeNet, quantized after training as ONNX Runtime's tool does it: three random pictures to calibrate."""
    def make(file, batch):
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

        class Pictures(CalibrationDataReader):
            def __init__(self, name):
                random = numpy.random.default_rng(1)
                self.items = iter([{name: random.uniform(-1, 1, (batch, 3, 224, 224)).astype(numpy.float32)} for _ in range(3)])

            def get_next(self):
                return next(self.items, None)

        plain = file.with_suffix(".plain.onnx")
        light(plain, "squeezenet", batch)
        model = version_converter.convert_version(onnx.load(plain), 13)
        known = {each.name for each in model.graph.initializer}
        for each in [each for each in model.graph.input if each.name in known]:
            model.graph.input.remove(each)
        model.ir_version = 8
        onnx.save(model, plain)
        quantize_static(plain, file, Pictures(model.graph.input[0].name), quant_format=getattr(QuantFormat, form),
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    return make


def chain(file, batch, length=1000):
    """Nodes of next to no work, one after another: what a step costs besides its kernel."""
    b = Builder()
    x = b.input("x", [batch])
    for _ in range(length):
        x = b.Neg(x)
    b.save(file, (x, [batch]))


def of_the_package(name):
    return lambda file, batch: light(file, name, batch)


MAKERS = {**{name: of_the_package(name) for name in LIGHT}, "mobilenet_v2": mobilenet_v2, "yolox_nano": yolox_nano,
          "bert_base": bert_base, "gpt2_6": gpt2, "lstm_text": lstm, "squeezenet_qoperator": quantized("QOperator"),
          "squeezenet_qdq": quantized("QDQ"), "feed_forward": feed_forward, "feed_forward_int8": feed_forward_int8,
          "lstm_layer": recurrent("LSTM", 4), "gru_layer": recurrent("GRU", 3), "rnn_layer": recurrent("RNN", 1),
          "chain_1000": chain}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MAKERS))
    parser.add_argument("--batch", type=int, default=1)
    arguments = parser.parse_intermixed_args()
    logging.disable(logging.WARNING)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or MAKERS:
        file = arguments.folder / f"{name}_b{arguments.batch}.onnx"
        # A file under its name is whole: a maker that is interrupted leaves none.
        with tempfile.TemporaryDirectory(dir=arguments.folder) as unfinished:
            made = pathlib.Path(unfinished) / file.name
            MAKERS[name](made, arguments.batch)
            made.rename(file)
        print(file, flush=True)


if __name__ == "__main__":
    main()
