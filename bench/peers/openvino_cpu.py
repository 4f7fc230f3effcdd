# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVINO's CPU plug-in: shapes fixed, latency hint, one stream, float32 where the model says float32."""
import numpy
import openvino

from inputs import arrays


class Peer:
    def __init__(self, job):
        core = openvino.Core()
        model = core.read_model(job["file"])
        given = arrays(job)
        open_shapes = {name: list(array.shape) for name, array in given.items() if model.input(name).partial_shape.is_dynamic}
        if open_shapes:
            model.reshape(open_shapes)
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": job["threads"], "NUM_STREAMS": 1,
                    "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        if job.get("copies", 1) > 1:
            # OpenVINO leaves the processors that a thread is pinned to, and pins all models to the first ones unless each
            # reserves its own.
            settings.update({"ENABLE_CPU_PINNING": True, "ENABLE_CPU_RESERVATION": True})
        self.request = core.compile_model(model, "CPU", settings).create_infer_request()
        self.names = job["outputs"]
        for name, array in given.items():
            self.request.set_tensor(name, openvino.Tensor(array, shared_memory=False))

    def run(self):
        self.request.infer(share_outputs=True)

    def outputs(self):
        return [numpy.array(self.request.get_tensor(name).data) for name in self.names]
