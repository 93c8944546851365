"""GPU kernels compiled without a GPU: to PTX for three architectures, and to machine code."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cache, lru_cache
from types import SimpleNamespace
from unittest import mock

import numba.cuda.compiler
import numba.cuda.dispatcher
import numpy as np
from cuda.core import Linker, LinkerOptions, ObjectCode
from numba.cuda import types
from numba.cuda.np import numpy_support

from minicnn.kernels import gpu_launch

ARCHITECTURES = [(7, 5), (8, 0), (9, 0)]


@contextmanager
def only_noted():
    """Within this block kernels are not launched but noted: a dict with the keys (kernel, signature)."""
    launched = {}

    def note(self, blocks, threads, arguments):
        launched[self, signature_of(arguments)] = True

    with mock.patch.object(gpu_launch.GPUKernel, "_queue", note):
        yield launched


def signature_of(arguments) -> tuple:
    """Numba's types of a kernel's arguments: flat arrays and NumPy scalars."""
    return tuple(
        numpy_support.from_dtype(np.dtype(type(value)))
        if isinstance(value, np.generic)
        else types.Array(numpy_support.from_dtype(value.dtype), 1, "C")
        for value in arguments
    )


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
