"""Send batches to the GPU while it computes.

`stage` copies a batch into page-locked memory of the host, which the GPU can read by itself. The copy to the GPU is
queued on a separate stream; computing waits for the copy only where it needs the batch.
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

_STAGES = 3  # the number of batches of one type that may be on their way to the GPU


class _Stage:
    """Page-locked memory of the host and memory of the GPU, for one batch on its way to the GPU."""

    def __init__(self, size, dtype):
        self.host, self.there = cuda.pinned_array(size, dtype), allocated(size, dtype)
        self.arrived, self.read = cuda.event(), cuda.event()


class _Stages:
    """A few stages for each type of number, used in turn."""

    def __init__(self):
        self.stream = cuda.stream()
        self.of_type = defaultdict(list)

    def take(self, size, dtype):
        stages = self.of_type[dtype]
        if len(stages) < _STAGES:
            stages.append(_Stage(bucket(size), dtype))
            return stages[-1]
        stage = stages.pop(0)
        stage.arrived.synchronize()  # wait for the copy of an earlier batch, which is usually done
        if len(stage.host) < size:
            stage.read.synchronize()  # before its memory is freed
            stage = _Stage(bucket(size), dtype)
        stages.append(stage)
        return stage


@lru_cache(maxsize=1)
def _stages():
    return _Stages()


def stage(shape, dtype, write, read):
    """Send a batch to the GPU while it computes. write(host array of `shape`) fills in the batch; read(flat data on the
    GPU) queues the kernel that reads the batch."""
    not_while_recording("a batch was sent to the GPU")
    size, dtype = math.prod(shape), np.dtype(dtype)
    with gpu_lock:
        stages = _stages()
        at = stages.take(size, dtype)
        write(at.host[:size].reshape(shape))
        at.read.wait(stages.stream)  # for the kernel that reads this stage's last batch
        at.there[:size].copy_to_device(at.host[:size], stages.stream)
        at.arrived.record(stages.stream)
        at.arrived.wait(stream())
        read(at.there)
        at.read.record(stream())
