# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenCV's own network runner."""
import cv2

from inputs import arrays


class Peer:
    def __init__(self, job):
        cv2.setNumThreads(job["threads"])
        self.net = cv2.dnn.readNetFromONNX(job["file"])
        self.given = arrays(job)
        self.names = job["outputs"]

    def run(self):
        for name, array in self.given.items():
            self.net.setInput(array, name)
        self.results = self.net.forward(self.names)

    def outputs(self):
        return self.results
