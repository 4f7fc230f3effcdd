#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures to tensors as others do it, in a process of its own. Usage: pictures.py JOB, where JOB is JSON:

  library  pillow, opencv, opencv_area or torchvision      cpu      processor to stay on
  files    pictures, taken in turns                         seconds, warmup
  save     file: write the first picture's elements (float32) there and stop

Each picture is decoded, resized to a short side of 256, cut to 224x224 in the middle, and normalised as ImageNet's are, to
planes of float32; on one thread. Prints one line of JSON."""
import json
import os
import sys
import time

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
SHORT, SIDE = 256, 224


def size_for(width, height):
    zoom = SHORT / min(width, height)
    return max(SHORT, round(width * zoom)), max(SHORT, round(height * zoom))


def planes(numpy, pixels):
    """Rows of red, green, blue bytes as normalised planes, in two passes over each plane."""
    out = numpy.empty((3, SIDE, SIDE), numpy.float32)
    for channel in range(3):
        numpy.multiply(pixels[..., channel], numpy.float32(1 / (255 * STD[channel])), out=out[channel], dtype=numpy.float32)
        out[channel] -= numpy.float32(MEAN[channel] / STD[channel])
    return out


def pillow():
    import numpy
    from PIL import Image

    def prepare(file):
        picture = Image.open(file).convert("RGB")
        picture = picture.resize(size_for(*picture.size), Image.BILINEAR)
        left, top = (picture.width - SIDE) // 2, (picture.height - SIDE) // 2
        return planes(numpy, numpy.asarray(picture.crop((left, top, left + SIDE, top + SIDE))))
    return prepare


def opencv(interpolation):
    import cv2
    import numpy
    cv2.setNumThreads(1)
    how = getattr(cv2, interpolation)

    def prepare(file):
        picture = cv2.imread(file, cv2.IMREAD_COLOR)
        picture = cv2.resize(picture, size_for(picture.shape[1], picture.shape[0]), interpolation=how)
        left, top = (picture.shape[1] - SIDE) // 2, (picture.shape[0] - SIDE) // 2
        return planes(numpy, picture[top:top + SIDE, left:left + SIDE, ::-1])
    return prepare


def torchvision():
    import torch
    from PIL import Image
    from torchvision import transforms
    torch.set_num_threads(1)
    steps = transforms.Compose([transforms.Resize(SHORT), transforms.CenterCrop(SIDE), transforms.ToTensor(),
                                transforms.Normalize(MEAN, STD)])
    return lambda file: steps(Image.open(file).convert("RGB")).numpy()


LIBRARIES = {"pillow": pillow, "opencv": lambda: opencv("INTER_LINEAR"), "opencv_area": lambda: opencv("INTER_AREA"),
             "torchvision": torchvision}


def prepare_for(prepare, files, seconds):
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        prepare(files[count % len(files)])
        count += 1
    return count, time.perf_counter() - start


def main():
    job = json.loads(sys.argv[1])
    os.sched_setaffinity(0, [job["cpu"]])  # before anything that starts threads is imported
    prepare = LIBRARIES[job["library"]]()
    if "save" in job:
        prepare(job["files"][0]).tofile(job["save"])
        return
    prepare_for(prepare, job["files"], job["warmup"])
    count, passed = prepare_for(prepare, job["files"], job["seconds"])
    print(json.dumps({"count": count, "items_per_s": count / passed}))


if __name__ == "__main__":
    main()
