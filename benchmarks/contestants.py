"""One library trains and predicts with one network, in a separate process that waits for commands.

    python benchmarks/contestants.py LIBRARY NETWORK      (started by rivals.py)

Reads commands from standard input and answers each with one line of JSON:

    save FILE      write the weights (minicnn only)          load FILE      read them
    check          logits of a fixed batch, and the losses of three training steps, both without dropout
    train          milliseconds per training step over one shuffled epoch
    predict        milliseconds for four times the training batch
    one            milliseconds of each of 200 calls on one image; fewer if they take longer than two seconds
    memory         the process's peak memory in megabytes (VmHWM)

Every library is used as its users would use it for speed. minicnn and Keras run `fit` and `predict`, timed from the
first batch to the last. PyTorch and JAX run a plain loop over arrays, without a data loader. All shuffle the images,
and all keep a running loss; for classes, also a running accuracy. For `one`, the image waits in the library's own form,
and a call ends when its result is there as a NumPy array.

The timed steps learn at RATE, which hardly changes a weight. At Adam's default rate a network memorizes the random
images within an epoch, and most of its units die. minicnn skips zero gradients behind a pool, so dead units would make
it faster: fashion's second pool then passes on one fiftieth of its gradients, but half of them on real Fashion-MNIST.

This file holds what all contestants share. Each library, or family of libraries, has a file `contestant_*.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from models import WORKLOADS

TASKS = ("train", "predict", "one")


class Library(NamedTuple):
    label: str
    file: str  # holds the class
    kind: str  # the class
    needs: tuple[str, ...]  # packages, as they are imported
    tasks: tuple[str, ...] = TASKS


_TORCH = ("contestant_torch", "Torch", ("torch",))
_PREDICTS = ("predict", "one")
LIBRARIES = {
    "minicnn": Library("minicnn", "contestant_keras", "KerasLike", ()),
    "keras": Library("Keras on TensorFlow", "contestant_keras", "KerasLike", ("tensorflow",)),
    "keras-jit": Library("Keras on TensorFlow, jit_compile", "contestant_keras", "KerasLike", ("tensorflow",)),
    "torch": Library("PyTorch", *_TORCH),
    "torch-channels-last": Library("PyTorch, channels_last, fused Adam", *_TORCH),
    "torch-compile": Library("PyTorch, torch.compile, fused Adam", *_TORCH),
    "jax": Library("JAX", "contestant_jax", "Jax", ("jax", "optax")),
    "onnxruntime": Library(
        "ONNX Runtime", "contestant_engines", "OnnxRuntime", ("onnxruntime", "onnx", "torch"), _PREDICTS
    ),
    "openvino": Library("OpenVINO", "contestant_engines", "OpenVino", ("openvino", "onnx", "torch"), _PREDICTS),
    "litert": Library("LiteRT", "contestant_engines", "LiteRt", ("ai_edge_litert", "tensorflow"), _PREDICTS),
}
"""The libraries. Inference engines (the last three) cannot train."""

THREADS = len(os.sched_getaffinity(0))  # of every library; Numba takes as many
CHECKED_STEPS = 3
RATE = 1e-6  # of the timed steps; the checked steps have Adam's default rate, 0.001
CALLS, MOST_SECONDS = 200, 2  # of the task "one"


def missing(library) -> list[str]:
    """The packages that a library needs and that are not installed."""
    return [package for package in LIBRARIES[library].needs if find_spec(package) is None]


def images(name):
    """Random images for a network, and random classes or numbers as targets."""
    work, rng = WORKLOADS[name], np.random.default_rng(0)
    n = work.batch * work.batches
    x = rng.random((n, *work.image), np.float32)
    if work.loss == "cross-entropy":
        return x, rng.integers(0, work.outputs, n)
    return x, rng.random((n, work.outputs), np.float32)


class Contestant:
    """A library used in one way, and a network. A subclass has `use`, `check` and `caller`; `outputs` or a `predict`
    of its own; and `train` if the library trains."""

    def __init__(self, library, name):
        self.way, self.name, self.work = library, name, WORKLOADS[name]
        self.x, self.y = images(name)

    def load(self, file):
        """Read the weights, which are in the order of the network's description."""
        with np.load(file) as arrays:
            self.weights = [arrays[key] for key in arrays.files]
        self.use(self.weights)

    def use(self, weights):
        """Put the weights into the network."""
        raise NotImplementedError

    def first_batch(self):
        return self.x[: self.work.batch], self.y[: self.work.batch]

    def check(self):
        raise NotImplementedError

    def batches(self):
        """The slices of the images that one `predict` takes."""
        batch = 4 * self.work.batch
        return [slice(start, start + batch) for start in range(0, len(self.x), batch)]

    def outputs(self, x):
        """The network's outputs for images, as an array."""
        raise NotImplementedError

    def predict(self):
        started = time.perf_counter()
        np.concatenate([self.outputs(self.x[rows]) for rows in self.batches()])
        return self.milliseconds_per_batch(time.perf_counter() - started)

    def milliseconds_per_batch(self, seconds):
        return seconds / (len(self.x) / (4 * self.work.batch)) * 1e3

    def caller(self):
        """A function without arguments that computes the outputs of the first image."""
        raise NotImplementedError

    def one(self):
        call, times = self.caller(), []
        while len(times) < CALLS and sum(times) < MOST_SECONDS * 1e3:
            started = time.perf_counter()
            call()
            times.append((time.perf_counter() - started) * 1e3)
        return times


def peak_memory():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("network", choices=WORKLOADS)
    library, name = vars(parser.parse_args()).values()
    entry = LIBRARIES[library]
    serve(getattr(import_module(entry.file), entry.kind)(library, name))


def serve(contestant):
    """Answer the commands from standard input until it ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        command, *arguments = line.split()
        answer = peak_memory() if command == "memory" else getattr(contestant, command)(*arguments)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
