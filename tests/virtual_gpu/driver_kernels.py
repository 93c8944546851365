"""The driver's functions that load kernels and launch them."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_uint, c_void_p
from functools import cache

import numpy as np

from .c_functions import INVALID_VALUE, driver, handle_of, objects, stream_of
from .driver_device import THREADS_OF_A_BLOCK
from .gpu import Launch
from .ptx import Code
from .streams import CudaError, queue

_code_of = cache(Code)


class LaunchConfig(ctypes.Structure):
    """CUlaunchConfig."""

    _fields_ = (
        ("blocks", c_uint * 3), ("threads", c_uint * 3), ("shared", c_uint), ("stream", c_void_p),
        ("attributes", c_void_p), ("attributes_count", c_uint),
    )  # fmt: skip


@driver(c_void_p, *[c_void_p] * 5 + [c_uint] * 2, gives=[c_void_p])
def cuLibraryLoadData(code, *options):
    return handle_of(ctypes.string_at(code).decode())


@driver(c_void_p)
def cuLibraryUnload(handle):
    del objects[handle]


@driver(c_void_p, c_char_p, gives=[c_void_p])
def cuLibraryGetKernel(library, name):
    code = _code_of(objects[library])
    assert code.name == name.decode()
    return handle_of(code)


@driver(c_int, c_void_p, c_int, gives=[c_int])
def cuKernelGetAttribute(attribute, kernel, device):
    return THREADS_OF_A_BLOCK if attribute == 0 else 0  # 0: threads of a block; numba.cuda only shows the others


@driver(c_void_p, c_void_p, c_void_p, c_void_p)
def cuLaunchKernelEx(config, kernel, parameters, extra):
    config, code = LaunchConfig.from_address(config), objects[kernel]
    blocks, threads = tuple(config.blocks), tuple(config.threads)
    if config.shared or config.attributes_count or extra:
        raise NotImplementedError("The virtual GPU launches with neither dynamic shared memory nor attributes.")
    if 0 in blocks + threads or np.prod(threads) > THREADS_OF_A_BLOCK or max(blocks[1:]) > 65535:
        raise CudaError(INVALID_VALUE)
    places = (c_void_p * len(code.parameters)).from_address(parameters)
    values = [
        np.frombuffer(ctypes.string_at(place, kind.itemsize), kind)[0]
        for place, kind in zip(places, code.parameters, strict=True)
    ]
    queue(stream_of(config.stream), lambda: Launch(code, blocks, threads, values).run())
