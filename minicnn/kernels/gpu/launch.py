"""How a GPU kernel is made and launched.

A GPU runs a kernel as a grid of blocks of threads, with a thread for each piece of work. A kernel here takes flat
arrays, and the sizes as 32-bit integers. For arrays with several axes numba uses 64-bit strides and indices that may be
negative; these cost more than the arithmetic of a small kernel.

The host takes longer to queue a kernel than a GPU to run a small one. MINICNN_CUDA_LAUNCH chooses how to queue it:

    numba    numba.cuda's own launch (the default): 13 us, and 7 us more for each array, which it inspects every time
    direct   the driver gets the compiled kernel with its arguments as numbers: 5.5 us, and 2.5 us more for each array
    graph    as direct, but whole training steps are recorded and replayed (`graph.py`): one launch per step

"direct" and "graph" have not run on hardware yet. The times were measured on an AMD EPYC (Zen 4) with a driver that
launches nothing; of the 5.5 us, cuda.core's launch takes 1.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
from numba import cuda

from ..cpu.compile import compile_clock
from . import device
from .arrays import DeviceArray
from .recording import recording

BLOCK = 256
"""The usual number of threads in a block."""

_MOST_BLOCKS = 132 * 8  # enough to fill the largest GPU; each thread then does several numbers

_WAYS = ("numba", "direct", "graph")


@lru_cache(maxsize=1)
def way_to_launch() -> str:
    """The value of MINICNN_CUDA_LAUNCH, read once. ValueError if it is not in `_WAYS`."""
    way = os.environ.get("MINICNN_CUDA_LAUNCH", "numba")
    if way not in _WAYS:
        raise ValueError(f"MINICNN_CUDA_LAUNCH must be one of {', '.join(_WAYS)}; received {way!r}.")
    return way


def device_function(function, **options):
    """`function`, callable from kernels."""
    return cuda.jit(device=True, **options)(function)


class GPUKernel:
    """A kernel: `over(n, ...)` runs it on n numbers, `launch(blocks, threads, ...)` on a grid of that size."""

    def __init__(self, function, **options):
        self.function, self.options = function, options
        self._configured, self._compiled = {}, {}
        self.dispatcher = cuda.jit(**options)(function)
        self.__doc__ = function.__doc__

    def launch(self, blocks, threads, *arguments) -> None:
        """Queue the kernel. Arguments: DeviceArrays or flat data, integers, NumPy scalars of the arrays' type."""
        graph = recording()
        if graph:
            graph.keep(arguments)
        self._queue(blocks, threads, [_argument(argument) for argument in arguments])

    def _queue(self, blocks, threads, arguments):
        with device.gpu_lock, compile_clock.around(self.dispatcher):
            if way_to_launch() == "numba":
                self._configuration(blocks, threads)(*arguments)
            else:
                self._launch_directly(blocks, threads, arguments)

    def _configuration(self, blocks, threads):
        """The object to call for a launch on this grid. It is kept here: numba.cuda keeps only 128, for all kernels."""
        if (blocks, threads) not in self._configured:
            self._configured[blocks, threads] = self.dispatcher[blocks, threads, device.stream()]
        return self._configured[blocks, threads]

    def _launch_directly(self, blocks, threads, arguments):
        from cuda.core import launch

        types = tuple((type(a), a.dtype) for a in arguments)
        if types not in self._compiled:
            self._compiled[types] = _compiled(self.dispatcher, arguments)
        numbers = [number for argument in arguments for number in as_numbers(argument)]
        launch(_stream(), _grid(blocks, threads), self._compiled[types], *numbers)

    def over(self, n: int, *arguments) -> None:
        """Queue the kernel for n pieces of work. It gets n as its last argument and strides by the grid's size."""
        if n:
            self.launch(min(-(-n // BLOCK), _MOST_BLOCKS), BLOCK, *arguments, n)


def gpu_kernel(**options):
    """Decorator: make a GPUKernel; options as for numba.cuda.jit."""
    return lambda function: GPUKernel(function, **options)


def _argument(value):
    if isinstance(value, DeviceArray):
        return value.data
    if isinstance(value, np.ndarray):
        raise TypeError(
            f"A GPU kernel takes arrays in the GPU's memory; received a host array of shape {value.shape}: "
            "copy it to the GPU first."
        )
    return np.int32(value) if isinstance(value, (bool, int)) else value


@lru_cache(maxsize=1)
def _stream():
    """`device.stream()`, as cuda.core takes it."""
    from cuda.core import Stream

    return Stream.from_handle(int(device.stream().handle))


@lru_cache(maxsize=1024)
def _grid(blocks, threads):
    from cuda.core import LaunchConfig

    return LaunchConfig(grid=blocks, block=threads)


def _compiled(dispatcher, arguments):
    """The kernel's machine code for these arguments, as cuda.core launches it."""
    kernel = dispatcher.compile(tuple(dispatcher.typeof_pyval(argument) for argument in arguments))
    return kernel._codelibrary.get_cufunc().kernel


def as_numbers(argument) -> tuple:
    """An argument in the form that numba's compiled kernels take. A flat array becomes seven numbers: two that only the
    CPU uses, the length, the bytes of an item, the address, the length again, and the stride."""
    if isinstance(argument, np.generic):
        return (argument,)
    size, width = argument.size, argument.dtype.itemsize
    return 0, 0, size, width, argument.__cuda_array_interface__["data"][0], size, width
