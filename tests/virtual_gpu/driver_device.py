"""The driver's functions for the only device, for contexts, and for the names of errors."""

from __future__ import annotations

import ctypes
from ctypes import c_int, c_uint, c_void_p
from functools import cache

from .c_functions import contexts, driver, functions

THREADS_OF_A_BLOCK = 1024
_CONTEXT = 0x10  # the only one
# 10: threads of a warp; 16: processors; 75 and 76: sm_90
_ATTRIBUTES = {1: THREADS_OF_A_BLOCK, 10: 32, 16: 132, 75: 9, 76: 0}


@driver(c_uint)
def cuInit(flags):
    pass


@driver(gives=[c_int])
def cuDriverGetVersion():
    return 13000


@driver(gives=[c_int])
def cuDeviceGetCount():
    return 1


@driver(c_void_p, c_int, c_int)
def cuDeviceGetName(name, size, device):
    ctypes.memmove(name, b"virtual GPU\0", 12)


@driver(c_void_p, c_int)
def cuDeviceGetUuid(uuid, device):
    ctypes.memset(uuid, 0, 16)


@driver(c_int, c_int, gives=[c_int])
def cuDeviceGetAttribute(attribute, device):
    return _ATTRIBUTES.get(attribute, 0)


@driver(c_int, gives=[c_void_p])
def cuDevicePrimaryCtxRetain(device):
    return _CONTEXT


# This is called after Python has ended, so it cannot be a Python function: C's abs returns 0, success, for device 0.
functions["cuDevicePrimaryCtxRelease"] = ctypes.CDLL(None).abs


@driver(gives=[c_void_p])
def cuCtxGetCurrent():
    return contexts.current()


@driver(gives=[c_void_p])
def cuCtxPopCurrent():
    return contexts.stack.pop()


@driver(c_void_p)
def cuCtxPushCurrent(context):
    contexts.stack.append(context)


@driver(c_void_p)
def cuCtxSetCurrent(context):
    contexts.stack[-1:] = [context]


@driver(gives=[c_int])
def cuCtxGetDevice():
    return 0


@driver(c_int, c_void_p)
def cuGetErrorName(code, text):
    c_void_p.from_address(text).value = ctypes.addressof(_error_name(code))


@driver(c_int, c_void_p)
def cuGetErrorString(code, text):
    cuGetErrorName(code, text)


@cache
def _error_name(code):
    from cuda.bindings.driver import CUresult

    return ctypes.create_string_buffer(CUresult(code).name.encode())
