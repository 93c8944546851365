"""A training step written down as the list of its kernels' calls, and replayed: no Python between two kernels.

A step of a small network calls some thirty kernels of 5 to 500 us. To find out which, with what arrays, Python takes
230 us for five dense layers and 900 us for CIFAR-10's sixteen, and finds out the same in every step. So one step is
recorded while it runs, and the steps after it are replayed. On two Intel cores, in turns, lower quartiles, that
took the steps of `benchmarks/` from 1.15 to 1.03 ms (mlp), from 3.22 to 2.97 (fashion) and from 14.4 to 13.6 (cifar).

What makes it right:
- **the same memory every time.** Buffers that a recorded step was lent stay with the recording; the inputs are copied
  to where the recorded kernels read them.
- **what changes from step to step lies in memory too**, as `number`: the learning rate, and the keys of dropout masks.
  A number passed to a kernel by value would stay what it was.
- **nothing is missed.** Kernels write themselves down. What NumPy does to an array goes through `do`; what cannot be
  repeated from the list says `refuse`, and then there is no recording. The tests replay every operation on other
  numbers.

`graph.py` does the same with a CUDA graph.
"""

from __future__ import annotations

import threading
from functools import partial

import numpy as np


class _ThisThread(threading.local):
    recording: Recording | None = None


_here = _ThisThread()


def recording() -> Recording | None:
    """The recording that this thread's kernels are written to, if any."""
    return _here.recording


def do(function, *arguments, **named) -> None:
    """Call a function that works in place and depends on nothing but its arguments' memory; it is written down."""
    function(*arguments, **named)
    if _here.recording is not None:
        _here.recording.calls.append((partial(function, **named) if named else function, arguments))


def refuse() -> None:
    """Say that what happens now cannot be repeated from a recording."""
    if _here.recording is not None:
        _here.recording.refused = True


def number(next_one, dtype):
    """next_one(); while recording an array (1,) that holds it, and in every step that is replayed the next one."""
    running, _here.recording = _here.recording, None  # next_one may be anybody's code
    try:
        value = next_one()
    finally:
        _here.recording = running
    if running is None:
        return value
    there = np.array([value], dtype)
    running.calls.append((_take, (there, next_one)))
    return there


def _take(there, next_one):
    there[0] = next_one()


def number_there(value, dtype) -> np.ndarray:
    """A number for kernels that read it from memory: an array (1,) of this type."""
    if isinstance(value, np.ndarray) and value.dtype == dtype:
        return value
    if isinstance(value, np.ndarray):
        refuse()  # the copy would stay what it is
    return np.full(1, value, dtype)


class Reading(float):
    """A number that was looked at while recording, and how to look again."""

    again = None


def reading(look) -> float:
    """look(), a float that is made of arrays; when a step is replayed, made again at its end."""
    if _here.recording is None:
        return look()
    made = Reading(look())
    made.again = look
    return made


class Recording:
    """What function(*inputs) called. `play` does it again with other inputs of the same shapes and types."""

    def __init__(self, inputs):
        self.inputs = [x.copy() for x in inputs]
        self.calls: list[tuple] = []
        self.outputs, self.kept, self.refused = None, [], False

    def record(self, function):
        """function(*inputs), written down."""
        if _here.recording is not None:
            raise RuntimeError("A step is being recorded already.")
        _here.recording = self
        try:
            self.outputs = function(*self.inputs)
        finally:
            _here.recording = None
        return self.outputs

    def replay(self, inputs):
        """The outputs for these inputs; arrays among them are overwritten by the next time."""
        for x, there in zip(inputs, self.inputs, strict=True):
            np.copyto(there, x)
        for function, arguments in self.calls:
            function(*arguments)
        return _read(self.outputs)


def _read(output):
    """The output with every reading made anew."""
    if type(output) in (list, tuple):
        return type(output)(_read(part) for part in output)
    return output.again() if isinstance(output, Reading) else output


def is_made_of_arrays(output) -> bool:
    """Whether an output can be found again: arrays, readings, None, and lists and tuples of these."""
    if isinstance(output, (list, tuple)):
        return all(is_made_of_arrays(part) for part in output)
    return output is None or isinstance(output, (np.ndarray, Reading))
