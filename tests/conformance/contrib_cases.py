# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes one-node models of com.microsoft operators, with seeded inputs and what ONNX Runtime makes of them, in the
layout of the ONNX backend tests: FOLDER/<group>/<case>/{model.onnx,test_data_set_0/*.pb}.

    contrib_cases.py FOLDER [CASE...]

The group says how far results may differ: `float` by the order of sums, `half` by roundings to 16 bits, `step` by one
step of the output's quantization (a Cast behind it makes integers comparable with a tolerance), `dynamic` where a
runtime quantizes on the way.
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

MS = "com.microsoft"
CASES = []


class Case:
    """One node. Inputs are arrays, None where left out; `constants` are the indices of those that are weights."""

    def __init__(self, name, op, inputs, outputs=1, attributes=None, group="float", constants=(), domain=MS, opset=17,
                 wanted=None):
        self.name, self.op, self.inputs, self.outputs = name, op, inputs, outputs
        self.attributes, self.group, self.constants = attributes or {}, group, constants
        self.domain, self.opset = domain, opset
        self.wanted = range(outputs) if wanted is None else wanted

    def output(self, name):
        # ONNX Runtime cannot tell the type of the fourth one by itself.
        if self.op == "MultiHeadAttention":
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_empty_tensor_value_info(name)

    def write(self, folder):
        names = ["" if value is None else f"x{i}" for i, value in enumerate(self.inputs)]
        outputs = [f"y{i}" if i in self.wanted else "" for i in range(self.outputs)]
        node = helper.make_node(self.op, names, outputs, domain=self.domain, **self.attributes)
        nodes = [node]
        if self.group == "step":
            nodes += [helper.make_node("Cast", [n], [f"{n}_real"], to=TensorProto.FLOAT) for n in outputs if n]
            outputs = [f"{n}_real" for n in outputs if n]
        kind = helper.np_dtype_to_tensor_dtype
        given = [(n, v) for i, (n, v) in enumerate(zip(names, self.inputs)) if n and i not in self.constants]
        weights = [numpy_helper.from_array(self.inputs[i], names[i]) for i in self.constants]
        graph = helper.make_graph(
            nodes, self.name, [helper.make_tensor_value_info(n, kind(v.dtype), v.shape) for n, v in given],
            [self.output(n) for n in outputs if n], weights)
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(MS, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        results = session.run(None, dict(given))
        del model.graph.output[:]
        for each, value in zip(session.get_outputs(), results):
            model.graph.output.append(helper.make_tensor_value_info(each.name, kind(value.dtype), None))
        data = folder / self.group / self.name / "test_data_set_0"
        data.mkdir(parents=True)
        onnx.save(model, data.parent / "model.onnx")
        for i, (name, value) in enumerate(given):
            (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(value, name).SerializeToString())
        for i, (each, value) in enumerate(zip(session.get_outputs(), results)):
            (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(value, each.name).SerializeToString())


def add(name, *arguments, **options):
    CASES.append(Case(name, *arguments, **options))


class Random:
    """Seeded data; one per case family, so that adding a case does not change the others."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def real(self, *shape, dtype=np.float32, scale=1.0):
        return (self.rng.standard_normal(shape) * scale).astype(dtype)

    def ints(self, dtype, *shape, low=None, high=None):
        info = np.iinfo(dtype)
        return self.rng.integers(info.min if low is None else low, (info.max if high is None else high) + 1, shape,
                                 dtype=dtype)


def f32(*values):
    return np.array(values[0] if len(values) == 1 else values, dtype=np.float32)


def scalar(dtype, value):
    return np.array(value, dtype=dtype)


def products():
    r = Random(1)
    a, b = r.real(2, 3, 4, 5), r.real(2, 3, 5, 6)
    swap = lambda x: np.ascontiguousarray(np.swapaxes(x, -1, -2))
    add("fused_matmul", "FusedMatMul", [a, b], attributes={"alpha": 0.25})
    add("fused_matmul_trans_a", "FusedMatMul", [swap(a), b], attributes={"transA": 1})
    add("fused_matmul_trans_b", "FusedMatMul", [a, swap(b)], attributes={"transB": 1, "alpha": 2.0})
    add("fused_matmul_broadcast", "FusedMatMul", [r.real(4, 5), swap(b)], attributes={"transB": 1})
    add("fused_matmul_vector", "FusedMatMul", [r.real(5), swap(r.real(5, 6))], attributes={"transA": 1, "transB": 1})
    add("fused_matmul_trans_batch_a", "FusedMatMul", [r.real(4, 2, 3, 5), b], attributes={"transBatchA": 1})
    add("fused_matmul_trans_batch_b", "FusedMatMul", [a, r.real(6, 2, 3, 5)],
        attributes={"transBatchB": 1, "transB": 1})
    add("transpose_matmul", "TransposeMatMul", [swap(a), b], attributes={"transA": 1})
    for name, extra in (("Relu", {}), ("LeakyRelu", {"activation_alpha": 0.2}), ("Tanh", {}), ("Sigmoid", {}),
                        ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4})):
        add(f"fused_gemm_{name.lower()}", "FusedGemm", [r.real(3, 4), r.real(5, 4), r.real(5)],
            attributes={"transB": 1, "alpha": 0.5, "activation": name, **extra})
    x, w = r.real(2, 4, 9, 8), r.real(6, 2, 3, 3)
    for name, extra in (("Relu", {}), ("LeakyRelu", {"activation_params": [0.2]}),
                        ("Clip", {"activation_params": [-0.5, 0.5]}), ("Tanh", {})):
        add(f"fused_conv_{name.lower()}", "FusedConv", [x, w, r.real(6)],
            attributes={"group": 2, "pads": [1, 1, 1, 1], "activation": name, **extra})
    add("fused_conv_residual", "FusedConv", [x, w, r.real(6), r.real(2, 6, 9, 8)],
        attributes={"group": 2, "pads": [1, 1, 1, 1], "activation": "Relu"})
    add("matmul_nbits_4", "MatMulNBits", *nbits(r, 70, 9, 4, 32))
    add("matmul_nbits_4_zero_points", "MatMulNBits", *nbits(r, 96, 5, 4, 16, zeros="packed"))
    add("matmul_nbits_4_real_zero_points", "MatMulNBits", *nbits(r, 64, 5, 4, 16, zeros="real"))
    add("matmul_nbits_4_bias", "MatMulNBits", *nbits(r, 64, 8, 4, 32, zeros="packed", bias=True))
    add("matmul_nbits_8", "MatMulNBits", *nbits(r, 64, 8, 8, 32, zeros="packed"))
    add("matmul_nbits_2", "MatMulNBits", *nbits(r, 64, 8, 2, 32))


def nbits(r, k, n, bits, block, zeros=None, bias=False):
    blocks = (k + block - 1) // block
    packed = r.ints(np.uint8, n, blocks, block * bits // 8)
    scales = np.abs(r.real(n, blocks, scale=0.1)) + np.float32(0.01)
    zero = {"packed": lambda: r.ints(np.uint8, n, (blocks * bits + 7) // 8),
            "real": lambda: r.real(n, blocks, scale=2.0) + np.float32(8), None: lambda: None}[zeros]()
    inputs = [r.real(2, 3, k), packed, scales, zero, None, r.real(n) if bias else None]
    while inputs[-1] is None:
        inputs.pop()
    # ONNX Runtime packs the weights again when the session starts.
    constants = [i for i, value in enumerate(inputs) if i > 0 and value is not None]
    return inputs, 1, {"K": k, "N": n, "bits": bits, "block_size": block}, "float", constants


def elementwise():
    r = Random(2)
    x = r.real(2, 3, 8, scale=2.0)
    add("gelu", "Gelu", [x])
    add("quick_gelu", "QuickGelu", [x])
    add("quick_gelu_alpha", "QuickGelu", [x], attributes={"alpha": 0.7})
    add("fast_gelu", "FastGelu", [x])
    add("fast_gelu_bias", "FastGelu", [x, r.real(8)])
    add("bias_gelu", "BiasGelu", [x, r.real(8)])
    add("trilu_upper", "Trilu", [r.real(2, 4, 5), scalar(np.int64, 1)])
    add("trilu_lower", "Trilu", [r.real(2, 4, 5)], attributes={"upper": 0})
    add("inverse", "Inverse", [r.real(2, 4, 4) + 3 * np.eye(4, dtype=np.float32)])
    add("expand_dims", "ExpandDims", [x, scalar(np.int32, -2)], constants=[1])
    add("range", "Range", [f32([1.0]), f32([3.2]), f32([0.5])])
    add("range_without_delta", "Range", [scalar(np.int32, 2), scalar(np.int32, 7)])
    add("gather_nd", "GatherND", [r.real(3, 4, 5), r.ints(np.int32, 2, 2, low=0, high=2)])
    add("unique", "Unique", [f32(2, 1, 1, 3, 4, 3)], outputs=3)


def normalizations():
    r = Random(3)
    x, skip, gamma, beta, bias = r.real(2, 3, 16), r.real(2, 3, 16), r.real(16), r.real(16), r.real(16)
    add("skip_layer_norm", "SkipLayerNormalization", [x, skip, gamma, beta, bias], outputs=4, wanted=[0, 3])
    add("skip_layer_norm_plain", "SkipLayerNormalization", [x, skip, gamma], attributes={"epsilon": 0.1})
    add("skip_layer_norm_broadcast", "SkipLayerNormalization", [x, r.real(1, 3, 16), gamma, beta])
    add("skip_layer_norm_2d_skip", "SkipLayerNormalization", [x, r.real(3, 16), gamma, beta])
    half = [v.astype(np.float16) for v in (x, skip, gamma, beta, bias)]
    add("skip_layer_norm_half", "SkipLayerNormalization", half, group="half")
    add("skip_rms_norm", "SkipSimplifiedLayerNormalization", [x, skip, gamma, bias], outputs=4, wanted=[0, 3])
    add("skip_rms_norm_plain", "SkipSimplifiedLayerNormalization", [x, skip, gamma])
    add("rms_norm", "SimplifiedLayerNormalization", [x, gamma], domain="")
    add("rms_norm_inverse", "SimplifiedLayerNormalization", [x, gamma], outputs=2, domain="",
        attributes={"axis": 2, "epsilon": 1e-3})
    ids = r.ints(np.int32, 2, 5, low=0, high=10)
    segments = r.ints(np.int32, 2, 5, low=0, high=1)
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
    tables = [r.real(11, 8), r.real(7, 8), r.real(2, 8)]
    gamma, beta = r.real(8), r.real(8)
    add("embed_layer_norm", "EmbedLayerNormalization", [ids, segments, *tables, gamma, beta, mask], outputs=2)
    add("embed_layer_norm_plain", "EmbedLayerNormalization", [ids, None, tables[0], tables[1], None, gamma, beta],
        outputs=2, attributes={"epsilon": 1e-3})
    add("embed_layer_norm_sum", "EmbedLayerNormalization", [ids, segments, *tables, gamma, beta], outputs=3)
    positions = r.ints(np.int32, 2, 5, low=0, high=6)
    add("embed_layer_norm_positions", "EmbedLayerNormalization",
        [ids, segments, *tables, gamma, beta, mask, positions], outputs=2)
    quantized = [r.ints(np.uint8, 11, 8), r.ints(np.uint8, 7, 8), r.ints(np.uint8, 2, 8), r.ints(np.uint8, 8),
                 r.ints(np.uint8, 8)]
    add("q_embed_layer_norm", "QEmbedLayerNormalization",
        [ids, segments, *quantized, mask, *[f32(s) for s in (0.01, 0.02, 0.015, 0.01, 0.005)],
         *[scalar(np.uint8, z) for z in (128, 120, 130, 100, 110)]], outputs=2)


def attention():
    r = Random(4)
    batch, steps, heads, size = 2, 5, 2, 4
    hidden = heads * size
    x, w, b = r.real(batch, steps, 6), r.real(6, 3 * hidden, scale=0.5), r.real(3 * hidden, scale=0.3)
    n = {"num_heads": heads}
    add("attention", "Attention", [x, w, b], attributes=n)
    add("attention_causal", "Attention", [x, w, b], attributes={**n, "unidirectional": 1})
    add("attention_scale", "Attention", [x, w, b], attributes={**n, "scale": 0.2})
    add("attention_mask_2d", "Attention", [x, w, b, np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)],
        attributes=n)
    add("attention_mask_none_left", "Attention", [x, w, b, np.array([[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], np.int32)],
        attributes=n)
    add("attention_mask_3d", "Attention", [x, w, b, r.ints(np.int32, batch, steps, steps, low=0, high=1)], attributes=n)
    add("attention_mask_ends", "Attention", [x, w, b, np.array([3, 5], np.int32)], attributes=n)
    add("attention_mask_ranges", "Attention", [x, w, b, np.array([3, 5, 0, 2], np.int32)], attributes=n)
    add("attention_mask_causal", "Attention", [x, w, b, np.array([[1, 1, 1, 1, 0], [0, 1, 1, 1, 1]], np.int32)],
        attributes={**n, "unidirectional": 1})
    add("attention_mask_filter", "Attention", [x, w, b, np.array([3, 5], np.int32)],
        attributes={**n, "mask_filter_value": -2.0})
    add("attention_bias_term", "Attention", [x, w, b, None, None, r.real(batch, heads, steps, steps)], attributes=n)
    add("attention_bias_term_shared", "Attention", [x, w, b, None, None, r.real(1, 1, steps, steps)], attributes=n)
    past = r.real(2, batch, heads, 3, size)
    add("attention_past", "Attention", [x, w, b, None, past], outputs=2, attributes={**n, "unidirectional": 1})
    add("attention_past_mask", "Attention",
        [x, w, b, r.ints(np.int32, batch, steps + 3, low=0, high=1), past], outputs=2, attributes=n)
    add("attention_empty_past", "Attention", [x, w, b, None, past[:, :, :, :0]], outputs=2, attributes=n)
    add("attention_sizes", "Attention", [x, r.real(6, 2 * hidden + 6), r.real(2 * hidden + 6)],
        attributes={**n, "qkv_hidden_sizes": [hidden, hidden, 6]})
    q = [r.ints(np.uint8, batch, steps, 6), r.ints(np.int8, 6, 3 * hidden), b, f32(0.02), f32(0.01)]
    add("q_attention", "QAttention", [*q, None, scalar(np.uint8, 120), scalar(np.int8, 3)], attributes=n)
    add("q_attention_mask", "QAttention", [*q, np.array([3, 5], np.int32), scalar(np.uint8, 120), scalar(np.int8, 0)],
        attributes=n)
    add("q_attention_past", "QAttention", [*q, None, scalar(np.uint8, 120), scalar(np.int8, 0), past], outputs=2,
        attributes={**n, "unidirectional": 1})
    columns = [*q[:4], np.abs(r.real(3 * hidden, scale=0.01)), None, scalar(np.uint8, 120), r.ints(np.int8, 3 * hidden)]
    add("q_attention_per_column", "QAttention", columns, attributes=n, constants=[1, 4, 7])
    multi_head(r, batch, steps, heads, size)


def multi_head(r, batch, steps, heads, size):
    hidden, keys = heads * size, 7
    n = {"num_heads": heads}
    q, k, v = r.real(batch, steps, hidden), r.real(batch, keys, hidden), r.real(batch, keys, hidden)
    bias = r.real(3 * hidden, scale=0.3)
    add("multi_head_attention", "MultiHeadAttention", [q, k, v], attributes=n)
    add("multi_head_attention_bias", "MultiHeadAttention", [q, k, v, bias], attributes=n)
    add("multi_head_attention_value_size", "MultiHeadAttention", [q, k, r.real(batch, keys, heads * 3)], attributes=n)
    add("multi_head_attention_mask_2d", "MultiHeadAttention",
        [q, k, v, bias, np.array([[1] * 5 + [0] * 2, [1] * 7], np.int32)], attributes=n)
    add("multi_head_attention_mask_1d", "MultiHeadAttention", [q, k, v, bias, np.array([4, 7], np.int32)], attributes=n)
    add("multi_head_attention_mask_3d", "MultiHeadAttention",
        [q, k, v, None, r.ints(np.int32, batch, steps, keys, low=0, high=1)], attributes=n)
    add("multi_head_attention_score_bias", "MultiHeadAttention",
        [q, k, v, bias, None, r.real(1, heads, steps, keys)], attributes=n)
    same = [r.real(batch, steps, hidden) for _ in range(3)]
    add("multi_head_attention_causal", "MultiHeadAttention", same, attributes={**n, "unidirectional": 1})
    past = [r.real(batch, heads, 3, size), r.real(batch, heads, 3, size)]
    add("multi_head_attention_past", "MultiHeadAttention", [*same, bias, None, None, *past], outputs=3, attributes=n)
    add("multi_head_attention_past_causal", "MultiHeadAttention", [*same, None, None, None, *past], outputs=3,
        attributes={**n, "unidirectional": 1})
    add("multi_head_attention_present", "MultiHeadAttention", same, outputs=3, attributes=n)
    add("multi_head_attention_headed_keys", "MultiHeadAttention",
        [q, r.real(batch, heads, keys, size), r.real(batch, heads, keys, size)], attributes=n)
    add("multi_head_attention_scores", "MultiHeadAttention", [q, k, v], outputs=4, wanted=[0, 3], attributes=n)
    rotary(r, batch, steps, heads, size)
    grouped(r)


def rotary(r, batch, steps, heads, size):
    angles = r.real(16, size // 2)
    cos, sin = np.cos(angles), np.sin(angles)
    x3, x4 = r.real(batch, steps, heads * size), r.real(batch, heads, steps, size)
    ids = r.ints(np.int64, batch, steps, low=0, high=15)
    add("rotary_embedding", "RotaryEmbedding", [x3, ids, cos, sin])
    add("rotary_embedding_offset", "RotaryEmbedding", [x3, np.array([4], np.int64), cos, sin])
    add("rotary_embedding_interleaved", "RotaryEmbedding", [x3, ids, cos, sin], attributes={"interleaved": 1})
    add("rotary_embedding_heads_first", "RotaryEmbedding", [x4, ids, cos, sin])
    wide = r.real(batch, steps, heads * 8)
    add("rotary_embedding_partial", "RotaryEmbedding", [wide, ids, cos, sin],
        attributes={"num_heads": heads, "rotary_embedding_dim": size})
    add("rotary_embedding_half", "RotaryEmbedding", [v.astype(np.float16) if v.dtype == np.float32 else v
                                                     for v in (x3, ids, cos, sin)], group="half")


def grouped(r):
    heads, kv_heads, size = 4, 2, 16
    n = {"num_heads": heads, "kv_num_heads": kv_heads}
    angles = r.real(32, size // 2)
    cos, sin = np.cos(angles), np.sin(angles)

    def family(name, steps, past, lengths, extra=None, caches=(), packed=False, tail=()):
        batch = len(lengths)
        rows = [r.real(batch, steps, h * size) for h in (heads, kv_heads, kv_heads)]
        if packed:
            rows = [np.concatenate(rows, axis=2), None, None]
        states = [r.real(batch, kv_heads, past, size) for _ in range(2)] if past is not None else [None, None]
        total = max(lengths)
        inputs = [*rows, *states, np.array([v - 1 for v in lengths], np.int32), scalar(np.int32, total), *caches, *tail]
        add(f"group_query_attention_{name}", "GroupQueryAttention", inputs, outputs=3, attributes={**n, **(extra or {})})

    family("prompt", 6, None, [6, 6])
    family("prompt_empty_past", 6, 0, [6, 6])
    family("token", 1, 5, [6, 6])
    family("token_lengths", 1, 5, [6, 4])
    family("several_tokens", 3, 4, [7])
    family("rotary", 6, None, [6, 6], {"do_rotary": 1}, [cos, sin])
    family("rotary_token", 1, 5, [6, 4], {"do_rotary": 1}, [cos, sin])
    family("rotary_interleaved", 6, None, [6, 6], {"do_rotary": 1, "rotary_interleaved": 1}, [cos, sin])
    family("packed", 6, None, [6, 6], {"do_rotary": 1}, [cos, sin], packed=True)
    family("window", 6, None, [6, 6], {"local_window_size": 2})
    family("window_token", 1, 9, [10, 8], {"local_window_size": 3})
    family("softcap", 6, None, [6, 6], {"softcap": 0.5})
    family("scale", 6, None, [6, 6], {"scale": 0.1})
    family("smooth", 6, None, [6, 6], {"smooth_softmax": 1})
    family("score_bias", 6, None, [6, 6], {}, [None, None], tail=[None, r.real(1, heads, 6, 6)])
    family("sink", 6, None, [6, 6], {}, [None, None], tail=[None, None, r.real(heads)])


def quantized():
    r = Random(5)
    for dtype in (np.uint8, np.int8):
        t = np.dtype(dtype).name
        zero = 120 if dtype == np.uint8 else -7
        z = lambda v=zero, d=dtype: scalar(d, v)
        x = r.ints(dtype, 2, 4, 6, 5)
        qx, qy = [f32(0.02), z()], [f32(0.013), z(zero + 5)]
        for name, op in (("add", "QLinearAdd"), ("mul", "QLinearMul")):
            add(f"q_linear_{name}_{t}", op, [x, *qx, r.ints(dtype, 4, 1, 5), f32(0.03), z(zero - 9), f32(0.05), z()],
                group="step")
        add(f"q_linear_add_{t}_scalar", "QLinearAdd",
            [x, *qx, r.ints(dtype, 1), f32(0.03), z(zero - 9), f32(0.05), z()], group="step", constants=[3])
        for name, op, extra in (("sigmoid", "QLinearSigmoid", {}), ("leaky_relu", "QLinearLeakyRelu", {"alpha": 0.2})):
            add(f"q_linear_{name}_{t}", op, [x, *qx, *qy], attributes=extra, group="step", constants=[1, 2, 3, 4])
        for opset, axis in ((13, -1), (13, 1), (12, 1)):
            add(f"q_linear_softmax_{t}_{opset}_{axis % 4}", "QLinearSoftmax",
                [x, *qx, f32(1 / 256), z(0 if dtype == np.uint8 else -128)],
                attributes={"opset": opset, "axis": axis}, group="step", constants=[1, 2, 3, 4])
        add(f"q_linear_where_{t}", "QLinearWhere",
            [r.ints(np.uint8, 4, 6, 1, low=0, high=1).astype(bool), x, *qx, r.ints(dtype, 6, 5), f32(0.03), z(),
             f32(0.025), z(zero + 2)], group="step", constants=[2, 3, 5, 6, 7, 8])
        add(f"q_linear_concat_{t}", "QLinearConcat",
            [f32(0.03), z(), x, *qx, r.ints(dtype, 2, 3, 6, 5), f32(0.01), z(zero - 3)], attributes={"axis": 1},
            group="step", constants=[0, 1, 3, 4, 6, 7])
        for name, extra in (("same", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
                            ("pads_count", {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "count_include_pad": 1}),
                            ("ceil", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1})):
            add(f"q_linear_average_pool_{t}_{name}", "QLinearAveragePool", [x, *qx, *qy], attributes=extra,
                group="step")
        nhwc = np.ascontiguousarray(np.transpose(x, (0, 2, 3, 1)))
        add(f"q_linear_average_pool_{t}_nhwc", "QLinearAveragePool", [nhwc, *qx, *qy],
            attributes={"kernel_shape": [3, 3], "channels_last": 1}, group="step")
        add(f"q_linear_global_average_pool_{t}", "QLinearGlobalAveragePool", [x, *qx, *qy], group="step")
        add(f"q_linear_global_average_pool_{t}_nhwc", "QLinearGlobalAveragePool", [nhwc, *qx, *qy],
            attributes={"channels_last": 1}, group="step")
        weights = r.ints(np.int8, 6, 4, 3, 3)
        add(f"ms_q_linear_conv_{t}_nhwc", "QLinearConv",
            [nhwc, *qx, weights, f32(0.01), scalar(np.int8, 0), f32(0.1), z(), r.ints(np.int32, 6, low=-900, high=900)],
            attributes={"channels_last": 1, "pads": [1, 1, 1, 1]}, group="step", constants=[3, 4, 5, 8])
        quantized_products(r, dtype, t, z)
        add(f"ms_quantize_{t}", "QuantizeLinear", [r.real(3, 4), f32(0.02), z()], group="step")
        add(f"ms_quantize_{t}_axis", "QuantizeLinear",
            [r.real(3, 4), f32(0.02, 0.01, 0.03), r.ints(dtype, 3)], attributes={"axis": 0}, group="step")
        add(f"ms_dequantize_{t}", "DequantizeLinear", [x, f32(0.02), z()])
        add(f"ms_dequantize_{t}_axis", "DequantizeLinear", [x, f32(0.02, 0.01, 0.03, 0.01), r.ints(dtype, 4)],
            attributes={"axis": 1})
    add("ms_quantize_int16", "QuantizeLinear", [r.real(3, 4), f32(0.0002), scalar(np.int16, 40)], group="step")
    add("ms_dequantize_int32", "DequantizeLinear", [r.ints(np.int32, 3, 4), f32(0.02)])


def quantized_products(r, dtype, t, z):
    a, b = r.ints(dtype, 2, 3, 7), r.ints(np.int8, 7, 5)
    columns = np.abs(r.real(5, scale=0.01)) + np.float32(0.001)
    add(f"matmul_integer_to_float_{t}", "MatMulIntegerToFloat", [a, b, f32(0.02), f32(0.01), z(), scalar(np.int8, 4)])
    add(f"matmul_integer_to_float_{t}_columns", "MatMulIntegerToFloat",
        [a, b, f32(0.02), columns, z(), r.ints(np.int8, 5), r.real(5)])
    x = r.real(2, 3, 7)
    add(f"dynamic_quantize_matmul_{t}", "DynamicQuantizeMatMul", [x, r.ints(dtype, 7, 5), f32(0.01), z()],
        group="dynamic")
    add(f"dynamic_quantize_matmul_{t}_columns", "DynamicQuantizeMatMul",
        [x, r.ints(dtype, 7, 5), columns, r.ints(dtype, 5), r.real(5)], group="dynamic")
    c = r.ints(np.int32, 5, low=-900, high=900)
    head = lambda trans=False: [r.ints(dtype, 3, 7), f32(0.02), z(),
                                r.ints(np.int8, 5, 7) if trans else r.ints(np.int8, 7, 5)]
    add(f"q_gemm_{t}", "QGemm", [*head(), f32(0.01), scalar(np.int8, 2), c, f32(0.05), z()], group="step")
    add(f"q_gemm_{t}_trans_b", "QGemm", [*head(True), f32(0.01), scalar(np.int8, 2), c, f32(0.05), z()],
        attributes={"transB": 1, "alpha": 0.5}, group="step")
    add(f"q_gemm_{t}_columns", "QGemm", [*head(), columns, r.ints(np.int8, 5), None, f32(0.05), z()], group="step")
    add(f"q_gemm_{t}_real", "QGemm", [*head(), f32(0.01), scalar(np.int8, 2), c])


def recurrent():
    r = Random(6)
    steps, batch, width, hidden = 4, 2, 3, 5
    x = r.real(steps, batch, width)
    for directions in (1, 2):
        w, rec = r.ints(np.int8, directions, width, 4 * hidden), r.ints(np.int8, directions, hidden, 4 * hidden)
        scale = lambda: np.full((directions,), 0.01, np.float32)
        zero = lambda: np.zeros((directions,), np.int8)
        add(f"dynamic_quantize_lstm_{directions}", "DynamicQuantizeLSTM",
            [x, w, rec, r.real(directions, 8 * hidden), None, None, None, None, scale(), zero(), scale(), zero()],
            outputs=3, attributes={"hidden_size": hidden, "direction": ["forward", "bidirectional"][directions - 1]},
            group="dynamic", constants=[1, 2, 8, 9, 10, 11])


def main():
    for family in (products, elementwise, normalizations, attention, quantized, recurrent):
        family()
    folder, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for case in CASES:
        if not wanted or any(part in case.name for part in wanted):
            try:
                case.write(folder)
            except Exception as error:
                sys.exit(f"contrib_cases: ONNX Runtime {ort.__version__} on {case.name}: {error}")


if __name__ == "__main__":
    main()
