"""Compile GPU kernels on the virtual GPU: to PTX for two architectures, and to machine code."""

from __future__ import annotations

import re
from contextlib import contextmanager
from unittest import mock

import numpy as np
from cuda.core import Linker, LinkerOptions, ObjectCode
from numba.cuda import types
from numba.cuda.cudadrv import nvvm
from numba.cuda.np import numpy_support

from minicnn.kernels.gpu import launch

from .gpu import Memory

ARCHITECTURES = [(7, 5), (9, 0)]  # the oldest that minicnn supports, and that of the virtual GPU


@contextmanager
def only_noted():
    """Within this block kernels are not launched. They are noted in a dict with the keys (kernel, signature).

    So no kernel writes the memory that is copied from the GPU, and that memory is not checked.
    """
    launched = {}

    def note(self, blocks, threads, arguments):
        launched[self, signature_of(arguments)] = True

    with mock.patch.object(launch.GPUKernel, "_queue", note), mock.patch.object(Memory, "check_written"):
        yield launched


def signature_of(arguments) -> tuple:
    """Numba's types of a kernel's arguments: flat arrays and NumPy scalars."""
    return tuple(
        numpy_support.from_dtype(np.dtype(type(value)))
        if isinstance(value, np.generic)
        else types.Array(numpy_support.from_dtype(value.dtype), 1, "C")
        for value in arguments
    )


def compiled_to_ptx(kernel, signature) -> str:
    """The kernel in PTX for the virtual GPU, as it is when the kernel is launched."""
    return _library(kernel, signature).get_asm_str()


def compiled_without_optimizing(kernel, signature, architecture) -> str:
    """The kernel in PTX for an architecture, such as (9, 0) for sm_90.

    It takes a tenth of the time, and is enough to see that the architecture has everything that the kernel uses.
    """
    library, name = _library(kernel, signature), "compute_{}{}".format(*architecture)
    return nvvm.compile_ir(library.llvm_strs, **{**library._nvvm_options, "arch": name, "opt": 0}).decode()


def resources(kernel, signature, architecture) -> dict:
    """The resources of the kernel's machine code: {"registers": of each thread, "spilled": bytes}."""
    intermediate = _library(kernel, signature).get_ltoir(cc=architecture)
    name = "sm_{}{}".format(*architecture)
    options = LinkerOptions(arch=name, link_time_optimization=True, ptxas_options=["-v"])
    linker = Linker(ObjectCode.from_ltoir(intermediate), options=options)
    linker.link("cubin")
    log = linker.get_info_log()
    spilled = sum(int(count) for count in re.findall(r"(\d+) bytes spill", log))
    return {"registers": int(re.search(r"Used (\d+) registers", log).group(1)), "spilled": spilled}


def _library(kernel, signature):
    return kernel.dispatcher.compile(signature)._codelibrary
