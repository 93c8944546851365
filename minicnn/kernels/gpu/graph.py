"""A whole training step as one launch: recorded once as a CUDA graph, replayed from then on.

A small network's step is some sixty kernels of a few microseconds each, and Python needs longer to queue one than the
GPU to run it. But every step queues the same kernels with the same arguments. So a step is recorded: its kernels are
written down instead of run. A replay runs them all, and Python makes one call.

What a recording needs to be right:
- **the same memory every time.** All that the step allocates comes from a pool of its own, which nobody else gets
  arrays from. Its inputs are copied to where the recorded kernels read them; its outputs lie where they write them,
  until the next replay.
- **what changes from step to step lies in memory too.** The learning rate, Adam's correction and the keys of dropout
  masks are `numbers`: each with a function that gives the next one, called before every replay. A number passed to a
  kernel by value would stay what it was.
- **readings are taken out.** A loss is written to the same place every time, and copied from there to a place of its
  own, where it may wait until someone looks.
"""

from __future__ import annotations

import numpy as np

from . import arrays, device
from .arrays import DeviceArray
from .elementwise import copy, fill
from .launch import gpu_kernel
from .memory import Pool, common_pool
from .readings import new_reading
from .recording import not_while_recording, recorded_by

_MOST_READINGS = 256


class RecordedReading:
    """The place of a number that every replay writes anew."""

    def __init__(self, place):
        self.place = place

    def __float__(self):
        not_while_recording("a number was looked at")
        raise TypeError("A recorded number has a value only in what a replay returns.")


class Graph:
    """function(*inputs), recorded. `replay` runs it on other arrays of the same shapes and types."""

    def __init__(self, function, inputs):
        self.numbers: list[tuple] = []  # (where it lies, the function that gives the next one)
        self.kept: list = []  # arrays from elsewhere that recorded kernels use
        self.readings = arrays.empty((_MOST_READINGS,), np.float64)
        self.readings_used = 0
        self.pool = Pool()
        with recorded_by(self):
            common_pool.idle.clear()  # the memory of the steps before: this graph's pool takes its place
            self.inputs = [arrays.empty(x.shape, x.dtype) for x in inputs]
            self._captured = _Captured()
            with self._captured:
                self.outputs = function(*self.inputs)

    def new_number(self, next_one, dtype):
        """An array (1,) that holds next_one() when a replay begins: the recorded step must not write on it before."""
        there = arrays.empty_number(dtype)
        self.numbers.append((there, next_one))
        return there

    def new_reading(self, write):
        """As `readings.new_reading`, but the place is the same in every replay."""
        if self.readings_used == _MOST_READINGS:
            raise RuntimeError(f"A step that is recorded may have {_MOST_READINGS} losses and penalties.")
        self.readings_used += 1
        write(self.readings.data, self.readings_used - 1)
        return RecordedReading(self.readings_used - 1)

    def keep(self, arguments) -> None:
        """Hold on to what a recorded kernel uses, unless the graph's pool does anyway."""
        self.kept += [a for a in arguments if not (isinstance(a, DeviceArray) and a.pool is self.pool)]

    def replay(self, inputs):
        """The outputs for these inputs; arrays among them are overwritten by the next replay."""
        with device.gpu_lock:
            for x, there in zip(inputs, self.inputs, strict=True):
                copy.over(x.size, x, there)
            for there, next_one in self.numbers:
                fill.over(1, there, there.dtype.type(next_one()))
            self._captured.launch()
            return self._read(self.outputs)

    def _read(self, output):
        """The output with every recorded reading in a place of its own."""
        if isinstance(output, (list, tuple)):
            return type(output)(self._read(part) for part in output)
        if not isinstance(output, RecordedReading):
            return output
        return new_reading(lambda data, place: _copy_number.launch(1, 1, self.readings, output.place, data, place))


@gpu_kernel()
def _copy_number(x, i, y, j):
    y[j] = x[i]


class _Captured:
    """What is queued on the stream within a `with` block, captured by the driver instead of run, as a CUDA graph.

    See "CUDA Graphs" in the CUDA programming guide. Relaxed: a kernel that is loaded meanwhile does not end it.
    """

    def __enter__(self):
        from cuda.bindings import driver

        self.driver, self.stream, self.executable = driver, driver.CUstream(int(device.stream().handle)), None
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        self._checked(driver.cuStreamBeginCapture(self.stream, mode))
        return self

    def __exit__(self, kind, error, traceback):
        result = self.driver.cuStreamEndCapture(self.stream)
        if error is not None and result[0] != self.driver.CUresult.CUDA_SUCCESS:
            return False  # the error of the step says why
        (graph,) = self._checked(result)
        try:
            if error is None:
                (self.executable,) = self._checked(self.driver.cuGraphInstantiate(graph, 0))
        finally:
            self._checked(self.driver.cuGraphDestroy(graph))
        return False

    def launch(self):
        self._checked(self.driver.cuGraphLaunch(self.executable, self.stream))

    def __del__(self):
        if getattr(self, "executable", None) is not None:
            self.driver.cuGraphExecDestroy(self.executable)

    def _checked(self, result):
        code, *values = result
        if code != self.driver.CUresult.CUDA_SUCCESS:
            raise RuntimeError(f"CUDA graph: {code.name}")
        return values
