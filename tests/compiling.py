"""A GPU that is not there: launches are written down, not run, so that every kernel can be compiled without one."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from types import SimpleNamespace
from unittest import mock

import numba.cuda.compiler
import numba.cuda.dispatcher
import numpy as np
from cuda.core import Linker, LinkerOptions, ObjectCode
from numba import cuda
from numba.cuda import types
from numba.cuda.np import numpy_support

from minicnn.kernels import device, gpu_launch

ARCHITECTURES = [(7, 5), (8, 0), (9, 0)]


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


@cache
def compiled_to_ptx(kernel, signature) -> dict:
    """The kernel in PTX, for each architecture: {(9, 0): the code for sm_90}."""
    library = _typed(kernel, signature)
    return {architecture: library.get_asm_str(cc=architecture) for architecture in ARCHITECTURES}


def resources(kernel, signature, architecture) -> dict:
    """What the kernel's machine code needs: {"registers", "spilled": bytes}."""
    intermediate = _typed(kernel, signature).get_ltoir(cc=architecture)
    name = "sm_{}{}".format(*architecture)
    options = LinkerOptions(arch=name, link_time_optimization=True, ptxas_options=["-v"])
    linker = Linker(ObjectCode.from_ltoir(intermediate), options=options)
    linker.link("cubin")
    log = linker.get_info_log()
    spilled = sum(int(count) for count in re.findall(r"(\d+) bytes spill", log))
    return {"registers": int(re.search(r"Used (\d+) registers", log).group(1)), "spilled": spilled}


@lru_cache(maxsize=1)
def _typed(kernel, signature):
    """The kernel in NVVM's language, once for all architectures: to type it takes three times as long as NVVM does.

    Only the last one is kept: each is a large net of Python objects, which the garbage collector walks through.
    """
    present = SimpleNamespace(compute_capability=(7, 5))  # device functions ask for it
    with mock.patch.object(numba.cuda.dispatcher, "get_current_device", lambda: present):
        library, _ = numba.cuda.compiler._compile_pyfunc_with_fixup(
            kernel.function, signature, device=False, abi="numba", cc=(7, 5), **kernel.options
        )
    return library
