"""The driver's functions for memory and copies."""

from __future__ import annotations

import ctypes
from ctypes import c_size_t, c_uint, c_uint64, c_void_p

import numpy as np

from .c_functions import OUT_OF_MEMORY, driver, stream_of
from .gpu import memory
from .streams import CudaError, finish, queue, spoil_captures, spoil_if_captured, streams, when_idle

CAPACITY = 1 << 28  # bytes
allocated, page_locked = {}, {}  # {address: bytes}, {address: a buffer of ctypes}


def _spoil_strict_captures():
    spoil_captures([stream for stream in streams if not stream.relaxed])


@driver(c_size_t, gives=[c_uint64])
def cuMemAlloc(size):
    _spoil_strict_captures()
    if size > _free():
        raise CudaError(OUT_OF_MEMORY)
    address = memory.allocate(size)
    allocated[address] = size
    return address


@driver(c_uint64)
def cuMemFree(address):
    _spoil_strict_captures()
    size = allocated.pop(address)  # below, do not wait for the default stream: it may be calling this function
    when_idle(lambda: (finish(streams[1:]), memory.free(address, size)))


@driver(gives=[c_size_t, c_size_t])
def cuMemGetInfo():
    return _free(), CAPACITY


def _free():
    return CAPACITY - sum(allocated.values())


@driver(c_size_t, c_uint, gives=[c_void_p])
def cuMemHostAlloc(size, flags):
    _spoil_strict_captures()
    buffer = ctypes.create_string_buffer(max(size, 1))
    page_locked[ctypes.addressof(buffer)] = buffer
    return ctypes.addressof(buffer)


@driver(c_void_p)
def cuMemFreeHost(address):
    buffer = page_locked.pop(address)
    when_idle(lambda: (finish(streams[1:]), buffer))


def _on_host(address, size):
    """Memory of the host, and whether it is page-locked. Other memory is read or written before the call returns."""
    there = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_uint8)), (size,))
    return there, any(start <= address < start + len(buffer) for start, buffer in page_locked.items())


@driver(c_uint64, c_void_p, c_size_t, c_void_p)
def cuMemcpyHtoDAsync(to, address, size, stream):
    source, locked = _on_host(address, size)
    if not locked:
        spoil_if_captured(stream_of(stream))
        source = source.copy()
    queue(stream_of(stream), lambda: memory.fill(to, source))


@driver(c_void_p, c_uint64, c_size_t, c_void_p)
def cuMemcpyDtoHAsync(address, source, size, stream):
    to, locked = _on_host(address, size)
    if not locked:
        spoil_if_captured(stream_of(stream))
    queue(stream_of(stream), lambda: np.copyto(to, memory.content(source, size)))
    if not locked:
        finish([stream_of(stream)])


@driver(c_uint64, c_uint64, c_size_t, c_void_p)
def cuMemcpyDtoDAsync(to, source, size, stream):
    queue(stream_of(stream), lambda: memory.copy(to, source, size))


@driver(c_uint64, c_void_p, c_size_t)
def cuMemcpyHtoD(to, address, size):
    cuMemcpyHtoDAsync(to, address, size, None)


@driver(c_void_p, c_uint64, c_size_t)
def cuMemcpyDtoH(address, source, size):
    cuMemcpyDtoHAsync(address, source, size, None)
