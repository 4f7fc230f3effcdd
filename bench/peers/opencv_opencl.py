# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenCV's own network runner on its OpenCL target, float32. Layers that have no kernel there run on the processor, as OpenCV
decides; "note" names the device."""
import os

from inputs import arrays


class Peer:
    def __init__(self, job):
        # OpenCV and PoCL read these when they are loaded. PoCL's workers inherit the pinning of the process.
        os.environ["OPENCV_OPENCL_DEVICE"] = job["opencl"]
        os.environ["OPENCV_DNN_OPENCL_ALLOW_ALL_DEVICES"] = "1"
        os.environ["OPENCV_LOG_LEVEL"] = "ERROR"
        os.environ["POCL_MAX_PTHREAD_COUNT"] = str(job["threads"])
        import cv2
        cv2.setNumThreads(job["threads"])
        if not cv2.ocl.haveOpenCL():
            raise RuntimeError("OpenCV error: no OpenCL here")
        cv2.ocl.setUseOpenCL(True)
        device = cv2.ocl.Device.getDefault()
        if not cv2.ocl.useOpenCL() or not device.available():
            raise RuntimeError(f"OpenCV error: it does not use the OpenCL device {job['opencl']}")
        self.note = f"{device.name()}, {device.maxComputeUnits()} compute units"
        self.net = cv2.dnn.readNetFromONNX(job["file"])
        self.net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        self.net.setPreferableTarget(cv2.dnn.DNN_TARGET_OPENCL)
        self.given = arrays(job)
        self.names = job["outputs"]

    def run(self):
        for name, array in self.given.items():
            self.net.setInput(array, name)
        self.results = self.net.forward(self.names)

    def outputs(self):
        return self.results
