# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVINO's AUTO device with the hint CUMULATIVE_THROUGHPUT, which uses every device that it finds: one compiled model per
process, of which each copy is one request. The number of streams is OpenVINO's choice; "note" tells it. float32 where the
model says float32."""
import numpy
import openvino

from inputs import arrays

compiled = {}  # by file


def compile_once(job, given):
    if job["file"] not in compiled:
        core = openvino.Core()
        core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        model = core.read_model(job["file"])
        open_shapes = {name: list(array.shape) for name, array in given.items() if model.input(name).partial_shape.is_dynamic}
        if open_shapes:
            model.reshape(open_shapes)
        compiled[job["file"]] = core.compile_model(model, "AUTO", {"PERFORMANCE_HINT": "CUMULATIVE_THROUGHPUT"})
    return compiled[job["file"]]


class Peer:
    process_wide = True  # its streams serve all requests of the process

    def __init__(self, job):
        given = arrays(job)
        model = compile_once(job, given)
        self.note = (f"on {', '.join(model.get_property('EXECUTION_DEVICES'))}, best with "
                     f"{model.get_property('OPTIMAL_NUMBER_OF_INFER_REQUESTS')} requests")
        self.request = model.create_infer_request()
        self.names = job["outputs"]
        for name, array in given.items():
            self.request.set_tensor(name, openvino.Tensor(array, shared_memory=False))

    def run(self):
        self.request.infer(share_outputs=True)

    def outputs(self):
        return [numpy.array(self.request.get_tensor(name).data) for name in self.names]
