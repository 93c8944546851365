"""A GPU that is not there: launches are written down, not run, so that every kernel can be compiled without one."""

from __future__ import annotations

import re
from types import SimpleNamespace
from unittest import mock

import numba.cuda.dispatcher
import numpy as np
from cuda.core import Linker, LinkerOptions, ObjectCode
from numba import cuda
from numba.cuda import types
from numba.cuda.np import numpy_support

from minicnn.kernels import device, gpu_launch


class PretendedArray:
    """Memory that is not there: it has a type and a size."""

    def __init__(self, size, dtype):
        self.size, self.dtype = size, np.dtype(dtype)

    def __getitem__(self, part):
        return PretendedArray(len(range(*part.indices(self.size))), self.dtype)

    def copy_to_device(self, array, stream=None):
        pass

    def copy_to_host(self, stream=None):
        return np.zeros(self.size, self.dtype)


_nothing = SimpleNamespace(synchronize=lambda: None, record=lambda stream: None, wait=lambda stream: None)


def pretend(monkeypatch) -> list:
    """From here on kernels are not launched but written down; the list of (kernel, signature), each once."""
    launched: dict = {}

    def launch(self, blocks, threads, *arguments):
        signature = tuple(_type_of(gpu_launch._argument(argument)) for argument in arguments)
        launched.setdefault((self, signature))

    monkeypatch.setattr(gpu_launch.GPUKernel, "launch", launch)
    monkeypatch.setattr(cuda, "device_array", PretendedArray)
    monkeypatch.setattr(cuda, "pinned_array", np.empty)
    monkeypatch.setattr(cuda, "stream", lambda: _nothing)
    monkeypatch.setattr(cuda, "event", lambda: _nothing)
    forget_device_arrays()
    return launched


def forget_device_arrays() -> None:
    """Empty what the GPU's modules remember: tables and constants may lie in a GPU that is not there."""
    for cached in (device._stream, device._stages, device._readings):
        cached.cache_clear()
    device.clear()


def _type_of(value):
    if isinstance(value, PretendedArray):
        return types.Array(numpy_support.from_dtype(value.dtype), 1, "C")
    return numpy_support.from_dtype(np.dtype(type(value)))


def compiled_to_ptx(kernel, signature, architecture) -> str:
    """The kernel in PTX for an architecture, (9, 0) for sm_90."""
    return _compiled(kernel, signature, architecture, "ptx")


def resources(kernel, signature, architecture) -> dict:
    """What the kernel's machine code needs: {"registers", "spilled": bytes}."""
    name = "sm_{}{}".format(*architecture)
    intermediate = _compiled(kernel, signature, architecture, "ltoir")
    options = LinkerOptions(arch=name, link_time_optimization=True, ptxas_options=["-v"])
    linker = Linker(ObjectCode.from_ltoir(intermediate), options=options)
    linker.link("cubin")
    log = linker.get_info_log()
    spilled = sum(int(count) for count in re.findall(r"(\d+) bytes spill", log))
    return {"registers": int(re.search(r"Used (\d+) registers", log).group(1)), "spilled": spilled}


def _compiled(kernel, signature, architecture, output):
    present = SimpleNamespace(compute_capability=architecture)  # device functions ask for it
    with mock.patch.object(numba.cuda.dispatcher, "get_current_device", lambda: present):
        code, _ = cuda.compile(
            kernel.function, signature, device=False, abi="numba", output=output, cc=architecture, **kernel.options
        )
    return code
