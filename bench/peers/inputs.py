# SPDX-License-Identifier: GPL-3.0-or-later
"""The job's inputs as arrays."""
import numpy


def arrays(job):
    """{name: array} of the files that prepare.py wrote."""
    return {each["name"]: numpy.fromfile(each["file"], each["type"]).reshape(each["shape"]) for each in job["inputs"]}


def picture(job, layout="nchw"):
    """A random picture for the peers that build the architecture themselves."""
    shape = (job["batch"], 3, 224, 224) if layout == "nchw" else (job["batch"], 224, 224, 3)
    return numpy.random.default_rng(1).uniform(-1, 1, shape).astype(numpy.float32)
