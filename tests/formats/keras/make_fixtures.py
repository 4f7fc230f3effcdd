#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the small models of data/ with inputs and Keras's own outputs: make_fixtures.py FOLDER.

Run once with Keras 3 (pip install keras jax; KERAS_BACKEND=jax) and once with Keras 2 (pip install tensorflow-cpu==2.15.1);
files are named after the version that wrote them. The models are chosen from cases.py; keras_conformance.py compares all.
"""
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras  # noqa: E402
import numpy as np  # noqa: E402

import cases  # noqa: E402
from keras_conformance import inputs_for, randomize  # noqa: E402

CHOSEN = {
    "squeeze_excite", "nested_models", "nested_frozen", "shared_layers", "transformer_masked", "text_bilstm", "td_conv",
    "masked_bi_GRU_return_sequences", "separable_same_s2", "conv2dt_same_s2", "residual_mixed", "encoder_decoder",
    "op_on_convolution", "op_arithmetic", "op_item", "op_item_negative", "outputs_on_the_way", "batchnorm_axis1", "channels_first",
}


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    major = keras.__version__.split(".")[0]
    for group in (cases.layer_cases, cases.structure_cases, cases.operation_cases):
        for name, build in group(keras):
            if name not in CHOSEN:
                continue
            rng = np.random.default_rng(7)
            try:
                model = build()
                randomize(model, rng, np)
                tensors = inputs_for(model, rng, np)
                outputs = model(tensors[0] if len(tensors) == 1 else tensors, training=False)
                for suffix in ("h5", "keras"):
                    model.save(folder / f"k{major}_{name}.{suffix}")
            except Exception as error:
                print(f"left out {name}: {str(error)[:120]}")
                continue
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            np.savez_compressed(folder / f"k{major}_{name}.npz", **{f"in{i}": t for i, t in enumerate(tensors)},
                                **{f"out{i}": np.asarray(o) for i, o in enumerate(outputs)})


if __name__ == "__main__":
    main(sys.argv[1])
