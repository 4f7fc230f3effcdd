# SPDX-License-Identifier: GPL-3.0-or-later
"""ONNX Runtime's CPU provider, all optimizations, inputs and outputs bound once."""
import onnxruntime

from inputs import arrays


class Peer:
    def __init__(self, job):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = job["threads"]
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        for name, size in job["dims"].items():
            options.add_free_dimension_override_by_name(name, size)
        self.session = onnxruntime.InferenceSession(job["file"], options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.kept = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in arrays(job).items()}
        for name, value in self.kept.items():
            self.binding.bind_ortvalue_input(name, value)
        for name in job["outputs"]:
            self.binding.bind_output(name, "cpu")

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        return self.binding.copy_outputs_to_cpu()
