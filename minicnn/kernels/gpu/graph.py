"""A whole training step as one launch: recorded once as a CUDA graph, replayed from then on.

A small network's step has about sixty kernels of a few microseconds each, and Python takes longer to queue a kernel
than the GPU to run it. But every step queues the same kernels with the same arguments. So one step is recorded: its
kernels are written down and not run. A replay runs them all with one call from Python.

What makes a recording correct:
- **The same memory every time.** All memory that the step allocates comes from its own pool, which no other code uses.
  A replay copies its inputs to where the recorded kernels read them. The outputs stay where the kernels write them,
  until the next replay.
- **Numbers that change from step to step are in memory too.** The learning rate, Adam's correction and the keys of
  dropout masks are `numbers`. Each has a function that returns the next number, and every replay calls it first. A
  number passed to a kernel by value would never change.
- **Readings are copied.** A recorded kernel writes a loss to the same place every time. From there it is copied to
  another place, where it may wait until the host reads it.
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
    """The place of a number that every replay overwrites."""

    def __init__(self, place):
        self.place = place

    def __float__(self):
        not_while_recording("a number was read")
        raise TypeError("A recorded number has no value yet; the numbers that a replay returns have values.")


class Graph:
    """function(*inputs), recorded. `replay` runs it on other arrays of the same shapes and types."""

    def __init__(self, function, inputs):
        self.numbers: list[tuple] = []  # (the array (1,) that holds it, the function that returns the next one)
        self.kept: list = []  # arrays from outside the graph's pool that recorded kernels use
        self.readings = arrays.empty((_MOST_READINGS,), np.float64)
        self.readings_used = 0
        self.pool = Pool()
        with recorded_by(self):
            common_pool.idle.clear()  # frees the memory of earlier steps: this step uses the graph's pool
            self.inputs = [arrays.empty(x.shape, x.dtype) for x in inputs]
            self._captured = _Captured()
            with self._captured:
                self.outputs = function(*self.inputs)

    def new_number(self, next_one, dtype):
        """An array (1,) that holds next_one() when a replay begins. No other array of the step uses its memory."""
        there = arrays.empty_number(dtype)
        self.numbers.append((there, next_one))
        return there

    def new_reading(self, write):
        """As `readings.new_reading`, but the place is the same in every replay."""
        if self.readings_used == _MOST_READINGS:
            raise RuntimeError(f"A recorded step can have at most {_MOST_READINGS} losses and penalties.")
        self.readings_used += 1
        write(self.readings.data, self.readings_used - 1)
        return RecordedReading(self.readings_used - 1)

    def keep(self, arguments) -> None:
        """Keep references to a recorded kernel's arguments, except arrays that the graph's pool keeps anyway."""
        self.kept += [a for a in arguments if not (isinstance(a, DeviceArray) and a.pool is self.pool)]

    def replay(self, inputs):
        """The outputs for these inputs. The next replay overwrites the arrays among them."""
        with device.gpu_lock:
            for x, there in zip(inputs, self.inputs, strict=True):
                copy.over(x.size, x, there)
            for there, next_one in self.numbers:
                fill.over(1, there, there.dtype.type(next_one()))
            self._captured.launch()
            return self._read(self.outputs)

    def _read(self, output):
        """The output, with every recorded reading copied to a new `Reading`."""
        if isinstance(output, (list, tuple)):
            return type(output)(self._read(part) for part in output)
        if not isinstance(output, RecordedReading):
            return output
        return new_reading(lambda data, place: _copy_number.launch(1, 1, self.readings, output.place, data, place))


@gpu_kernel()
def _copy_number(x, i, y, j):
    y[j] = x[i]


class _Captured:
    """A CUDA graph of the work that is queued on the stream within a `with` block. The driver captures it, and does not
    run it.

    See "CUDA Graphs" in the CUDA programming guide. The mode is "relaxed": if a kernel is loaded meanwhile, the capture
    goes on.
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
            return False  # the step's own error says why
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
            raise RuntimeError(f"A call for a CUDA graph failed: {code.name}.")
        return values
