"""Batches on their way up, beside the computing.

`stage` copies a batch into page-locked memory, which the GPU can read by itself, and queues the copy on a stream of its
own; computing waits for it only where it needs the batch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from functools import lru_cache

import numpy as np
from numba import cuda

from .device import gpu_lock, stream
from .memory import allocated, bucket
from .recording import not_while_recording

_STAGES = 3  # so many batches may be on their way up


class _Stage:
    """Page-locked memory of the host and memory of the GPU for one batch on its way up."""

    def __init__(self, size, dtype):
        self.host, self.there = cuda.pinned_array(size, dtype), allocated(size, dtype)
        self.arrived, self.read = cuda.event(), cuda.event()


class _Stages:
    """A few stages for each type of number, used in turns."""

    def __init__(self):
        self.stream = cuda.stream()
        self.of_type = defaultdict(list)

    def take(self, size, dtype):
        stages = self.of_type[dtype]
        if len(stages) < _STAGES:
            stages.append(_Stage(bucket(size), dtype))
            return stages[-1]
        stage = stages.pop(0)
        stage.arrived.synchronize()  # the copy of some batches ago: long done
        if len(stage.host) < size:
            stage.read.synchronize()  # before its memory is given up
            stage = _Stage(bucket(size), dtype)
        stages.append(stage)
        return stage


@lru_cache(maxsize=1)
def _stages():
    return _Stages()


def stage(shape, dtype, write, read):
    """Send a batch up while the GPU computes: write(host array of `shape`) fills it in, read(flat data there) queues
    the kernel that takes it from there."""
    not_while_recording("a batch was sent to the GPU")
    size, dtype = math.prod(shape), np.dtype(dtype)
    with gpu_lock:
        stages = _stages()
        at = stages.take(size, dtype)
        write(at.host[:size].reshape(shape))
        at.read.wait(stages.stream)  # the kernel that read this stage's last batch
        at.there[:size].copy_to_device(at.host[:size], stages.stream)
        at.arrived.record(stages.stream)
        at.arrived.wait(stream())
        read(at.there)
        at.read.record(stream())
