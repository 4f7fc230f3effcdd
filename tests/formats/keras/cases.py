# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that the Keras reader is compared on: one for each layer and option, in Keras's functional form.

cases(keras) yields (name, build) where build() returns a model; what an installed Keras does not have is left out by
its caller, visibly. Written for Keras 3 and, where the layer exists there, Keras 2.
"""


def _layer(keras, shape, make, dtype="float32", batch=None):
    def build():
        x = keras.Input(shape, dtype=dtype, batch_size=batch)
        return keras.Model(x, make()(x))
    return build


def layer_cases(keras):
    L = keras.layers
    def one(name, shape, make, **options):
        return name, _layer(keras, shape, make, **options)

    for activation in ["relu", "tanh", "softmax", "gelu", "selu", "elu", "softplus", "softsign", "sigmoid", "exponential",
                       "hard_sigmoid", "swish", "linear", "relu6", "leaky_relu", "mish", "hard_silu", "log_softmax", "celu",
                       "glu", "hard_tanh", "tanh_shrink", "soft_shrink", "hard_shrink", "log_sigmoid", "squareplus",
                       "sparse_plus", "sparse_sigmoid"]:
        yield one(f"activation_{activation}", (5, 6), lambda a=activation: L.Activation(a))
        yield one(f"conv_activation_{activation}", (6, 6, 3), lambda a=activation: L.Conv2D(4, 3, activation=a))
    yield one("dense", (7,), lambda: L.Dense(4, activation="relu"))
    yield one("dense_3d_nobias", (5, 7), lambda: L.Dense(4, use_bias=False))
    yield one("einsum_dense", (5, 7), lambda: L.EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d", activation="relu"))
    yield one("einsum_dense_heads", (5, 6), lambda: L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de"))
    yield one("dense_layer_activation", (7,), lambda: L.Dense(4, activation=L.LeakyReLU()))
    yield one("relu_max", (9,), lambda: L.ReLU(max_value=0.5))
    yield one("relu_general", (9,), lambda: L.ReLU(max_value=0.8, negative_slope=0.1, threshold=0.2))
    yield one("relu_slope_max", (9,), lambda: L.ReLU(max_value=0.8, negative_slope=0.1))
    yield one("relu_threshold", (9,), lambda: L.ReLU(threshold=0.3))
    yield one("leaky", (9,), lambda: L.LeakyReLU(0.15))
    yield one("elu", (9,), lambda: L.ELU(0.7))
    yield one("prelu", (4, 5, 3), lambda: L.PReLU(alpha_initializer="random_normal"))
    yield one("prelu_shared", (4, 5, 3), lambda: L.PReLU(shared_axes=[1, 2], alpha_initializer="random_normal"))
    yield one("softmax_axis", (4, 5), lambda: L.Softmax(axis=1))
    yield one("softmax_axes", (4, 5), lambda: L.Softmax(axis=[1, 2]))
    for padding in ["valid", "same"]:
        for stride in [1, 2, 3]:
            yield one(f"conv2d_{padding}_s{stride}", (11, 10, 3), lambda p=padding, s=stride: L.Conv2D(4, (3, 4), strides=s, padding=p))
            yield one(f"depthwise_{padding}_s{stride}", (11, 10, 3), lambda p=padding, s=stride: L.DepthwiseConv2D(3, strides=s, padding=p, depth_multiplier=2))
            yield one(f"conv2dt_{padding}_s{stride}", (5, 4, 3), lambda p=padding, s=stride: L.Conv2DTranspose(4, (3, 2), strides=s, padding=p))
            yield one(f"conv2dt_k1_{padding}_s{stride}", (5, 4, 3), lambda p=padding, s=stride: L.Conv2DTranspose(4, 1, strides=s, padding=p))
            yield one(f"maxpool_{padding}_s{stride}", (11, 10, 3), lambda p=padding, s=stride: L.MaxPooling2D((3, 2), strides=s, padding=p))
            yield one(f"avgpool_{padding}_s{stride}", (11, 10, 3), lambda p=padding, s=stride: L.AveragePooling2D((3, 2), strides=s, padding=p))
            yield one(f"conv1d_{padding}_s{stride}", (13, 3), lambda p=padding, s=stride: L.Conv1D(4, 5, strides=s, padding=p))
            yield one(f"conv3d_{padding}_s{stride}", (7, 6, 5, 2), lambda p=padding, s=stride: L.Conv3D(3, 3, strides=s, padding=p))
            yield one(f"separable_{padding}_s{stride}", (11, 10, 3), lambda p=padding, s=stride: L.SeparableConv2D(4, 3, strides=s, padding=p, depth_multiplier=2))
        yield one(f"conv_dilated_{padding}", (13, 12, 3), lambda p=padding: L.Conv2D(4, 3, dilation_rate=2, padding=p))
        yield one(f"conv1dt_{padding}", (6, 3), lambda p=padding: L.Conv1DTranspose(4, 3, strides=2, padding=p))
        yield one(f"conv3dt_{padding}", (4, 3, 5, 2), lambda p=padding: L.Conv3DTranspose(3, 3, strides=2, padding=p))
        yield one(f"maxpool1d_{padding}", (11, 3), lambda p=padding: L.MaxPooling1D(3, strides=2, padding=p))
        yield one(f"avgpool1d_{padding}", (11, 3), lambda p=padding: L.AveragePooling1D(3, strides=2, padding=p))
        yield one(f"maxpool3d_{padding}", (7, 6, 5, 2), lambda p=padding: L.MaxPooling3D(2, padding=p))
        yield one(f"avgpool3d_{padding}", (7, 6, 5, 2), lambda p=padding: L.AveragePooling3D(3, strides=2, padding=p))
        yield one(f"conv_unknown_size_{padding}", (None, None, 3), lambda p=padding: L.Conv2D(4, 3, strides=2, padding=p))
    yield one("conv2dt_output_padding", (5, 4, 3), lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1))
    yield one("conv_groups", (8, 8, 4), lambda: L.Conv2D(6, 3, groups=2))
    yield one("conv1d_causal", (9, 3), lambda: L.Conv1D(4, 3, padding="causal", dilation_rate=2))
    yield one("separable1d", (9, 3), lambda: L.SeparableConv1D(4, 3))
    yield one("depthwise1d", (9, 3), lambda: L.DepthwiseConv1D(3))
    for n, shape in [(1, (7, 3)), (2, (7, 5, 3)), (3, (4, 5, 6, 3))]:
        for kind in ["Average", "Max"]:
            for keep in [False, True]:
                yield one(f"global_{kind}_{n}d_{keep}", shape, lambda k=kind, n=n, keep=keep: getattr(L, f"Global{k}Pooling{n}D")(keepdims=keep))
                yield one(f"conv_global_{kind}_{n}d_{keep}", shape, lambda k=kind, n=n, keep=keep: keras.Sequential(
                    [getattr(L, f"Conv{n}D")(4, 3), getattr(L, f"Global{k}Pooling{n}D")(keepdims=keep)]))
    yield one("batchnorm", (6, 5, 4), lambda: L.BatchNormalization())
    yield one("batchnorm_2d", (6,), lambda: L.BatchNormalization(scale=False))
    yield one("batchnorm_3d", (6, 5), lambda: L.BatchNormalization(center=False))
    yield one("batchnorm_axis1", (6, 5, 4), lambda: L.BatchNormalization(axis=1))
    yield one("batchnorm_axis2", (6, 5, 4), lambda: L.BatchNormalization(axis=2))
    yield one("layernorm", (6, 5), lambda: L.LayerNormalization())
    yield one("layernorm_axes", (6, 5, 4), lambda: L.LayerNormalization(axis=[2, 3], epsilon=1e-5))
    yield one("layernorm_axis1", (6, 5), lambda: L.LayerNormalization(axis=1))
    yield one("layernorm_noscale", (6, 5), lambda: L.LayerNormalization(scale=False, center=False))
    yield one("groupnorm", (6, 5, 8), lambda: L.GroupNormalization(4))
    yield one("groupnorm_instance", (6, 8), lambda: L.GroupNormalization(-1))
    yield one("unitnorm", (6, 5), lambda: L.UnitNormalization())
    yield one("rmsnorm", (6, 5), lambda: L.RMSNormalization())
    yield one("normalization", (6, 5, 3), lambda: L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5]))
    yield one("normalization_invert", (5,), lambda: L.Normalization(mean=0.5, variance=2.0, axis=None, invert=True))
    yield one("rescaling", (6, 5, 3), lambda: L.Rescaling(1 / 127.5, offset=-1))
    yield one("zeropad2d", (6, 5, 3), lambda: L.ZeroPadding2D(((1, 2), (0, 3))))
    yield one("zeropad1d", (6, 3), lambda: L.ZeroPadding1D((1, 2)))
    yield one("zeropad3d", (4, 5, 6, 3), lambda: L.ZeroPadding3D(2))
    yield one("crop2d", (6, 5, 3), lambda: L.Cropping2D(((1, 2), (0, 3))))
    yield one("crop1d", (6, 3), lambda: L.Cropping1D((1, 2)))
    yield one("crop3d", (6, 5, 7, 3), lambda: L.Cropping3D(1))
    yield one("upsample", (4, 5, 3), lambda: L.UpSampling2D((2, 3)))
    yield one("upsample_bilinear", (4, 5, 3), lambda: L.UpSampling2D(2, interpolation="bilinear"))
    yield one("upsample_bicubic", (6, 5, 3), lambda: L.UpSampling2D(2, interpolation="bicubic"))
    yield one("upsample1d", (4, 3), lambda: L.UpSampling1D(3))
    yield one("upsample3d", (2, 3, 4, 3), lambda: L.UpSampling3D(2))
    for interpolation in ["bilinear", "nearest", "bicubic"]:
        yield one(f"resizing_{interpolation}", (6, 5, 3), lambda i=interpolation: L.Resizing(9, 8, interpolation=i))
    yield one("resizing_down", (11, 9, 3), lambda: L.Resizing(4, 5, interpolation="nearest"))
    yield one("centercrop", (9, 8, 3), lambda: L.CenterCrop(4, 5))
    yield one("flatten", (3, 4, 2), lambda: L.Flatten())
    yield one("conv_flatten", (6, 6, 2), lambda: keras.Sequential([L.Conv2D(4, 3), L.Flatten(), L.Dense(3)]))
    yield one("reshape", (3, 4), lambda: L.Reshape((2, -1, 3)))
    yield one("permute", (3, 4, 5), lambda: L.Permute((3, 1, 2)))
    yield one("repeat", (5,), lambda: L.RepeatVector(4))
    yield one("dropout", (5,), lambda: L.Dropout(0.5))
    yield one("spatial_dropout", (5, 4), lambda: L.SpatialDropout1D(0.5))
    yield one("gaussian_noise", (5,), lambda: L.GaussianNoise(0.5))
    yield one("random_flip", (5, 4, 3), lambda: L.RandomFlip())
    yield one("embedding", (6,), lambda: L.Embedding(10, 4), dtype="int32")
    yield one("fixed_batch", (5,), lambda: L.Dense(3), batch=2)


def structure_cases(keras):
    L = keras.layers

    def merge(name, *shapes, **options):
        def build():
            inputs = [keras.Input(s) for s in shapes]
            return keras.Model(inputs, getattr(L, name)(**options)(inputs))
        return build

    for name in ["Add", "Multiply", "Average", "Maximum", "Minimum"]:
        yield f"merge_{name}", merge(name, (4, 5), (4, 5), (4, 5))
        yield f"merge_broadcast_{name}", merge(name, (4, 5, 3), (1, 1, 3))
    yield "merge_ranks", merge("Add", (4, 5), (5,))
    yield "subtract", merge("Subtract", (4, 5), (4, 5))
    yield "concat", merge("Concatenate", (4, 5), (4, 3))
    yield "concat_axis1", merge("Concatenate", (4, 5), (2, 5), axis=1)
    yield "dot", merge("Dot", (5,), (5,), axes=1)
    yield "dot_normalized", merge("Dot", (5,), (5,), axes=1, normalize=True)
    yield "dot_3d", merge("Dot", (4, 5), (3, 5), axes=2)
    yield "dot_3d_axes", merge("Dot", (4, 5), (4, 3), axes=(1, 1))
    yield "dot_mixed", merge("Dot", (4, 5), (5,), axes=(2, 1))

    def squeeze_excite():
        x = keras.Input((8, 8, 3))
        y = L.Conv2D(6, 3, padding="same")(x)
        s = L.GlobalAveragePooling2D()(y)
        s = L.Reshape((1, 1, 6))(s)
        s = L.Conv2D(6, 1, activation="sigmoid")(s)
        return keras.Model(x, L.Flatten()(L.Multiply()([y, s])))
    yield "squeeze_excite", squeeze_excite

    def residual_mixed():
        x = keras.Input((8, 8, 4))
        y = L.Conv2D(4, 3, padding="same")(x)
        z = L.Add()([x, y])
        z = L.LayerNormalization()(z)
        z = L.Dense(4)(z)
        return keras.Model(x, L.Concatenate()([L.Add()([z, y]), x]))
    yield "residual_mixed", residual_mixed

    def shared():
        a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
        dense, norm = L.Dense(4, name="shared"), L.BatchNormalization(name="norm")
        return keras.Model([a, b], [L.Subtract(name="difference")([norm(dense(a)), norm(dense(b))]), dense(b)])
    yield "shared_layers", shared

    def nested():
        inner = keras.Sequential([keras.Input((6,)), L.Dense(5, activation="tanh"), L.BatchNormalization(), L.Dense(6)], name="inner")
        i = keras.Input((6,))
        deep = keras.Model(i, L.Add()([inner(i), i]), name="deep")
        x = keras.Input((6,))
        return keras.Model(x, deep(deep(x)))
    yield "nested_models", nested

    def nested_frozen():
        inner = keras.Sequential([keras.Input((6,)), L.Dense(5, name="d1"), L.BatchNormalization(name="bn"), L.Dense(6, name="d2")], name="inner")
        inner.trainable = False
        return keras.Sequential([keras.Input((6,)), inner, L.Dense(2)])
    yield "nested_frozen", nested_frozen

    def two_outputs():
        x = keras.Input((8, 8, 3), name="picture")
        y = L.Conv2D(4, 3, name="features")(x)
        return keras.Model(x, [y, L.GlobalMaxPooling2D(name="best")(y), x])
    yield "outputs_on_the_way", two_outputs

    def channels_first():
        L_ = dict(data_format="channels_first")
        x = keras.Input((3, 9, 8))
        y = L.Conv2D(4, 3, padding="same", strides=2, **L_)(x)
        y = L.BatchNormalization(axis=1)(y)
        y = L.MaxPooling2D(2, **L_)(y)
        return keras.Model(x, L.Flatten(**L_)(y))
    yield "channels_first", channels_first

    def sequence(name, *layers, steps=7, width=5, **options):
        def build():
            x = keras.Input((steps, width))
            y = x
            for make in layers:
                y = make()(y)
            return keras.Model(x, y)
        return name, build

    for cell in ["LSTM", "GRU", "SimpleRNN"]:
        R = getattr(L, cell)
        for options in [{}, {"return_sequences": True}, {"go_backwards": True}, {"go_backwards": True, "return_sequences": True},
                        {"return_state": True, "return_sequences": True}, {"use_bias": False}, {"activation": "relu"}]:
            label = "_".join(f"{k}" for k in options) or "plain"
            yield sequence(f"{cell}_{label}", lambda R=R, o=options: R(4, **o))
        yield sequence(f"{cell}_any_length", lambda R=R: R(4, return_sequences=True), steps=None)
        for mode in ["concat", "sum", "mul", "ave", None]:
            for seq in [False, True]:
                yield sequence(f"bi_{cell}_{mode}_{seq}", lambda R=R, m=mode, s=seq: L.Bidirectional(R(3, return_sequences=s), merge_mode=m))

        def masked(R=R, options={}, bidirectional=False):
            x = keras.Input((None,), dtype="int32")
            y = L.Embedding(12, 5, mask_zero=True)(x)
            layer = R(4, **options)
            y = L.Bidirectional(layer)(y) if bidirectional else layer(y)
            return keras.Model(x, y)
        for options in [{}, {"return_sequences": True}, {"go_backwards": True}]:
            label = "_".join(options) or "plain"
            yield f"masked_{cell}_{label}", lambda R=R, o=options: masked(R, o)
            if "go_backwards" not in options:
                yield f"masked_bi_{cell}_{label}", lambda R=R, o=options: masked(R, o, True)
    yield sequence("LSTM_hard_sigmoid", lambda: L.LSTM(4, recurrent_activation="hard_sigmoid"))
    yield sequence("GRU_reset_before", lambda: L.GRU(4, reset_after=False))
    yield sequence("rnn_cell", lambda: L.RNN(L.LSTMCell(4)))
    yield sequence("td_dense", lambda: L.TimeDistributed(L.Dense(3)))
    yield sequence("masking_lstm", lambda: L.Masking(0.0), lambda: L.LSTM(3))

    def encoder_decoder():
        a, b = keras.Input((6, 4)), keras.Input((5, 3))
        _, h, c = L.LSTM(4, return_state=True)(a)
        return keras.Model([a, b], L.LSTM(4, return_sequences=True)(b, initial_state=[h, c]))
    yield "encoder_decoder", encoder_decoder

    def td_conv():
        x = keras.Input((3, 8, 8, 2))
        inner = keras.Sequential([keras.Input((8, 8, 2)), L.Conv2D(4, 3), L.GlobalAveragePooling2D()])
        return keras.Model(x, L.LSTM(3)(L.TimeDistributed(inner)(x)))
    yield "td_conv", td_conv

    def td_conv_any():
        x = keras.Input((None, 8, 8, 2))
        return keras.Model(x, L.TimeDistributed(L.Conv2D(4, 3))(x))
    yield "td_conv_any_length", td_conv_any

    def attention(name, **options):
        def build():
            q, v = keras.Input((4, 6)), keras.Input((5, 6))
            return keras.Model([q, v], getattr(L, name)(**options)([q, v]))
        return build
    yield "attention", attention("Attention")
    yield "attention_scale", attention("Attention", use_scale=True)
    yield "attention_concat", attention("Attention", score_mode="concat")
    yield "additive_attention", attention("AdditiveAttention")

    def multi_head(steps, cross=False, **call):
        def build():
            x = keras.Input((steps, 6))
            y = keras.Input((5, 8)) if cross else x
            layer = L.MultiHeadAttention(2, 3, value_dim=4 if call.get("return_attention_scores") else None)
            return keras.Model([x, y] if cross else x, layer(x, y, **call))
        return build
    yield "mha", multi_head(4)
    yield "mha_any_length", multi_head(None)
    yield "mha_cross", multi_head(4, True)
    yield "mha_causal", multi_head(4, use_causal_mask=True)
    yield "mha_scores", multi_head(4, return_attention_scores=True)

    def transformer(mask):
        def build():
            x = keras.Input((None,), dtype="int32", name="tokens")
            y = L.Embedding(20, 8, mask_zero=mask)(x)
            a = L.MultiHeadAttention(2, 4)(y, y)
            y = L.LayerNormalization(epsilon=1e-6)(L.Add()([y, L.Dropout(0.1)(a)]))
            f = L.Dense(8)(L.Dense(16, activation="gelu")(y))
            y = L.LayerNormalization(epsilon=1e-6)(L.Add()([y, f]))
            y = L.GlobalAveragePooling1D()(y)
            return keras.Model(x, L.Dense(3, activation="softmax")(y))
        return build
    yield "transformer", transformer(False)
    yield "transformer_masked", transformer(True)

    def text_classifier(cell):
        def build():
            return keras.Sequential([keras.Input((None,), dtype="int32"), L.Embedding(30, 8, mask_zero=True),
                                     cell(), L.Dense(4, activation="relu"), L.Dropout(0.5), L.Dense(1, activation="sigmoid")])
        return build
    yield "text_lstm", text_classifier(lambda: L.LSTM(6))
    yield "text_gru", text_classifier(lambda: L.GRU(6))
    yield "text_bilstm", text_classifier(lambda: L.Bidirectional(L.LSTM(6)))


def operation_cases(keras):
    """Functions in functional models: keras.ops with Keras 3, TensorFlow's with Keras 2."""
    def on(name, function, shape=(4, 6, 8), dtype="float32"):
        def build():
            x = keras.Input(shape, dtype=dtype)
            return keras.Model(x, function(x))
        return name, build

    def picture(name, function):
        def build():
            x = keras.Input((6, 6, 3))
            return keras.Model(x, function(keras.layers.Conv2D(4, 3)(x)))
        return name, build

    yield on("op_arithmetic", lambda x: 1.0 - (x * 2.0 + 1.0) / 3.0)
    yield on("op_power", lambda x: x ** 2)
    yield on("op_item", lambda x: x[:, 1:3, ..., 0])
    yield on("op_item_negative", lambda x: x[:, -1, ::2, None])
    yield picture("op_on_convolution", lambda x: (x + 3.0) * (1.0 / 6.0))
    yield picture("op_item_on_convolution", lambda x: x[:, :, 1:, 0])
    if not hasattr(keras, "ops"):
        import tensorflow as tf
        yield on("tf_concat", lambda x: tf.concat([x, x], -1))
        yield on("tf_reduce", lambda x: tf.reduce_mean(x, axis=[1, 2], keepdims=True))
        yield on("tf_nn", lambda x: tf.nn.relu(x) + tf.nn.gelu(x) + tf.sigmoid(x) + tf.math.sqrt(tf.abs(x)))
        yield on("tf_shapes", lambda x: tf.expand_dims(tf.transpose(tf.reshape(x, (-1, 24, 8)), (0, 2, 1)), 1))
        yield on("tf_matmul", lambda x: tf.matmul(x, x, transpose_b=True))
        yield on("tf_clip", lambda x: tf.clip_by_value(x, -0.5, 0.5))
        return
    ops = keras.ops
    yield on("op_reduce", lambda x: ops.mean(x, axis=1, keepdims=True) + ops.max(x, axis=2, keepdims=True) + ops.sum(x, axis=(1, 2), keepdims=True))
    yield on("op_shapes", lambda x: ops.expand_dims(ops.transpose(ops.reshape(x, (-1, 24, 8)), (0, 2, 1)), 1))
    yield on("op_matmul", lambda x: ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))))
    yield on("op_einsum", lambda x: ops.einsum("nabc,nabd->ncd", x, x))
    yield on("op_where", lambda x: ops.where(x > 0, x, 0.5))
    yield on("op_join", lambda x: ops.concatenate([ops.stack([x, x], axis=1), ops.stack([x, x], axis=1)], axis=-1))
    yield on("op_split", lambda x: ops.split(x, 2, axis=-1)[1])
    yield on("op_activation", lambda x: ops.relu(x) + ops.gelu(x) + ops.silu(x) + ops.leaky_relu(x) + ops.softmax(x, axis=-1))
    yield on("op_unary", lambda x: ops.sqrt(ops.abs(x)) + ops.exp(x) + ops.sin(x) + ops.log(ops.abs(x) + 1.0) + ops.rsqrt(ops.square(x) + 1.0))
    yield on("op_flip_tile", lambda x: ops.tile(ops.flip(x, axis=1), (1, 2, 1, 1)))
    yield on("op_pad", lambda x: ops.pad(x, ((0, 0), (1, 1), (1, 2), (0, 0))))
    yield on("op_repeat", lambda x: ops.repeat(x, 2, axis=1))
    yield on("op_take", lambda x: ops.take(x, [0, 2], axis=1))
    yield on("op_constant", lambda x: x * ops.convert_to_tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]))
    yield on("op_clip", lambda x: ops.clip(x, -0.5, 0.5))
    yield on("op_normalize", lambda x: ops.normalize(x, axis=-1))
    yield on("op_squeeze", lambda x: ops.squeeze(ops.mean(x, 1, keepdims=True), 1))
    yield on("op_maximum", lambda x: ops.maximum(x, 0.1) - ops.minimum(x, 0.2))
    yield on("op_cast", lambda x: ops.cast(ops.cast(x * 4.0, "int32"), "float32") * 0.5)
    yield on("op_one_hot", lambda x: ops.one_hot(ops.argmax(x, axis=-1), 8))


def application_cases(keras):
    A = keras.applications

    def app(name, size, **options):
        return f"app_{name}", lambda: getattr(A, name)(weights=None, input_shape=(size, size, 3), classes=17, **options)
    yield app("MobileNet", 96)
    yield app("MobileNetV2", 96)
    yield app("MobileNetV3Small", 96)
    yield app("MobileNetV3Large", 96)
    yield app("ResNet50", 64)
    yield app("ResNet50V2", 64)
    yield app("DenseNet121", 64)
    yield app("EfficientNetB0", 64)
    yield app("EfficientNetV2B0", 64)
    yield app("Xception", 96)
    yield app("InceptionV3", 96)
    yield app("InceptionResNetV2", 96)
    yield app("NASNetMobile", 96)
    yield app("VGG16", 64)
    yield app("ConvNeXtTiny", 64)
    if hasattr(A, "RegNetX002"):
        yield app("RegNetX002", 64)
