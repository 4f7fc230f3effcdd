# SPDX-License-Identifier: GPL-3.0-or-later
"""TensorFlow reads no ONNX: the network of that name in tf.keras.applications with weights of its own, as a function
whose variables are constants."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from inputs import picture

NAMES = {"resnet50": "ResNet50", "mobilenet_v2": "MobileNetV2", "densenet121": "DenseNet121", "vgg19": "VGG19"}


def set_threads(threads, copies):
    """Once in a process, before anything is computed."""
    chosen = tensorflow.config.threading
    if chosen.get_intra_op_parallelism_threads() != threads:
        chosen.set_intra_op_parallelism_threads(threads)
    if chosen.get_inter_op_parallelism_threads() != copies:
        chosen.set_inter_op_parallelism_threads(copies)


class Peer:
    process_wide = True  # all copies of a process share its thread pools

    def __init__(self, job):
        set_threads(job["threads"], job.get("copies", 1))
        tensorflow.keras.utils.set_random_seed(1)
        network = getattr(tensorflow.keras.applications, NAMES[job["model"]])(weights=None)
        self.image = tensorflow.constant(picture(job, "nhwc"))
        traced = tensorflow.function(lambda x: network(x, training=False)).get_concrete_function(
            tensorflow.TensorSpec(self.image.shape, self.image.dtype))
        self.function = convert_variables_to_constants_v2(traced)

    def run(self):
        self.result = self.function(self.image)[0].numpy()

    def outputs(self):
        return [self.result]
