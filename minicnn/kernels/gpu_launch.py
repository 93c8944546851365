"""How a GPU kernel is made and launched.

A GPU runs a kernel as a grid of blocks of threads, a thread for each piece of work. A kernel here takes flat arrays,
and the sizes as 32-bit integers: what numba makes of arrays with several axes (64-bit strides, indices that may be
negative) costs more than the arithmetic of a small kernel.
"""

from __future__ import annotations

import numpy as np
from numba import cuda

from . import device
from .compile import compile_clock
from .device import SIMULATED, DeviceArray

BLOCK = 8 if SIMULATED else 256
"""Threads of a block where they work by themselves. The simulator runs every thread in Python: it gets few."""

_MOST_BLOCKS = 4 if SIMULATED else 132 * 8  # enough to fill the largest GPU; each thread then does several numbers

_UNKNOWN_TO_THE_SIMULATOR = ("launch_bounds", "forceinline", "lto", "max_registers")


def _options(options):
    return {k: v for k, v in options.items() if not (SIMULATED and k in _UNKNOWN_TO_THE_SIMULATOR)}


def device_function(function, **options):
    """`function`, callable from kernels."""
    return cuda.jit(device=True, **_options(options))(function)


class GPUKernel:
    """A kernel: `over(n, ...)` runs it on n numbers, `launch(blocks, threads, ...)` on a grid of one's own."""

    def __init__(self, function, **options):
        self.function, self.options, self._configured = function, options, {}
        self.dispatcher = cuda.jit(**_options(options))(function)
        self.__doc__ = function.__doc__

    def launch(self, blocks, threads, *arguments) -> None:
        """Queue the kernel. Arguments: DeviceArrays or flat data, integers, NumPy scalars of the arrays' type."""
        arguments = [_argument(argument) for argument in arguments]
        with device.lost_device_explained, compile_clock.around(self.dispatcher):
            self._configuration(blocks, threads)(*arguments)

    def _configuration(self, blocks, threads):
        """What to call to launch on this grid; kept, because numba.cuda keeps 128 of them for all kernels together."""
        if SIMULATED:  # there a kernel itself remembers its last grid
            return self.dispatcher[blocks, threads, device.stream()]
        if (blocks, threads) not in self._configured:
            self._configured[blocks, threads] = self.dispatcher[blocks, threads, device.stream()]
        return self._configured[blocks, threads]

    def over(self, n: int, *arguments) -> None:
        """Queue the kernel for n pieces of work; it gets n as its last argument and strides over the grid itself."""
        if n:
            self.launch(min(-(-n // BLOCK), _MOST_BLOCKS), BLOCK, *arguments, n)


def gpu_kernel(**options):
    """Decorator: make a GPUKernel; options as for numba.cuda.jit."""
    return lambda function: GPUKernel(function, **options)


def _argument(value):
    if isinstance(value, DeviceArray):
        return value.data
    if isinstance(value, np.ndarray):
        raise TypeError(f"A GPU kernel was given an array of the host, of shape {value.shape}: move it there first.")
    return np.int32(value) if isinstance(value, (bool, int)) else value
