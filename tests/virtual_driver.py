"""The driver of CUDA for the virtual GPU: the C functions that numba.cuda and cuda.core call, in Python.

So arrays, streams, events, page-locked memory, direct launches and CUDA graphs are those that work on hardware.

Cython's modules call each other's C functions by way of a table, `__pyx_capi__`, which they read when they are first
imported. `install` writes the functions of this file into that of cuda.bindings.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from ctypes import c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from functools import cache
from itertools import count

import numpy as np
import virtual_gpu
from ptx import Code
from virtual_gpu import memory
from virtual_streams import (
    CAPTURE_INVALIDATED,
    CAPTURE_UNSUPPORTED,
    LAUNCH_FAILED,
    CudaError,
    Event,
    Stream,
    errors,
    finish,
    legacy,
    queue,
    raise_errors,
    spoil_captures,
    streams,
    tell_of_errors,
    when_idle,
    work_until,
)

INVALID_VALUE, OUT_OF_MEMORY, INVALID_CONTEXT = 1, 2, 201
_RELAXED = 2  # the mode of captures in which memory may be allocated
CAPACITY = 1 << 28  # bytes
_CONTEXT = 0x10  # the only one
_ATTRIBUTES = {1: 1024, 10: 32, 16: 132, 75: 9, 76: 0}  # threads of a block and of a warp, processors, sm_90

_WITHOUT_A_CONTEXT = (  # what the names of functions begin with that need none
    "cuInit", "cuDriver", "cuDevice", "cuGetError", "cuCtxGetCurrent", "cuCtxSet", "cuCtxPush", "cuCtxPop",
)  # fmt: skip

functions = {}  # {name: what C calls}
objects = {}  # {handle: what C knows by it}
_handles = count(0x1000, 0x10)
_lock = threading.RLock()


def driver(*takes, gives=()):
    """Decorator: a function of the driver. Its C function takes pointers to what it gives, and then what it takes."""

    def register(function):
        def called(*arguments):
            if not function.__name__.startswith(_WITHOUT_A_CONTEXT) and not _contexts.current():
                raise CudaError(INVALID_CONTEXT)
            found = function(*arguments[len(gives) :])
            for kind, place, value in zip(gives, arguments, found if len(gives) > 1 else [found], strict=False):
                if place:
                    kind.from_address(place).value = value

        functions[function.__name__] = _c_function(called, [c_void_p] * len(gives) + list(takes))
        return function

    return register


def _c_function(function, takes):
    """A C function that answers with 0, with the code of a CudaError, or for other errors with "launch failed"."""

    def called(*arguments):
        with _lock:
            try:
                function(*arguments)
            except CudaError as error:
                return error.args[0]
            except Exception as error:
                errors.append(error)
                return LAUNCH_FAILED
        return 0

    return ctypes.CFUNCTYPE(c_int, *takes)(called)


def _handle_of(thing):
    handle = next(_handles)
    objects[handle] = thing
    return handle


# Streams and events


def _stream(handle):
    return objects[handle] if handle not in (None, 0, 1) else legacy


@driver(c_uint, gives=[c_void_p])
def cuStreamCreate(flags):
    if flags:
        raise NotImplementedError("The virtual GPU's streams and its default stream wait for each other.")
    streams.append(Stream())
    return _handle_of(streams[-1])


@driver(c_void_p)
def cuStreamDestroy(handle):
    stream = objects.pop(handle)
    when_idle(lambda: (finish([stream]), streams.remove(stream)))


@driver(c_void_p)
def cuStreamSynchronize(handle):
    spoil_captures([_stream(handle)])
    finish([_stream(handle)])
    tell_of_errors()


@driver()
def cuCtxSynchronize():
    spoil_captures(streams)
    finish(streams)
    tell_of_errors()


@driver(c_uint, gives=[c_void_p])
def cuEventCreate(flags):
    return _handle_of(Event())


@driver(c_void_p)
def cuEventDestroy(handle):
    del objects[handle]


@driver(c_void_p, c_void_p)
def cuEventRecord(handle, stream):
    event, stream = objects[handle], _stream(stream)
    _spoil_if_captured(stream)
    event.recorded += 1
    queue(stream, lambda times=event.recorded: setattr(event, "happened", max(event.happened, times)))


def _spoil_if_captured(stream):
    """What a capture could hold, and minicnn never puts in: events of other streams, and copies of memory that is not
    page-locked, which a replay reads or writes anew, whatever is there by then."""
    spoil_captures([stream])


@driver(c_void_p)
def cuEventSynchronize(handle):
    event = objects[handle]
    work_until(lambda times=event.recorded: event.happened >= times)
    tell_of_errors()


@driver(c_void_p, c_void_p, c_uint)
def cuStreamWaitEvent(stream, handle, flags):
    _spoil_if_captured(_stream(stream))
    queue(_stream(stream), (objects[handle], objects[handle].recorded))


# Graphs


@driver(c_void_p, c_int)
def cuStreamBeginCapture(handle, mode):
    stream = _stream(handle)
    if stream is legacy or stream.captured is not None:
        raise CudaError(CAPTURE_UNSUPPORTED)
    stream.captured, stream.relaxed = [], mode == _RELAXED


@driver(c_void_p, c_void_p)
def cuStreamEndCapture(handle, graph):
    stream = _stream(handle)
    captured, spoiled = stream.captured, stream.spoiled
    stream.captured, stream.spoiled = None, False
    if captured is None:
        raise CudaError(INVALID_VALUE)
    if spoiled:
        raise CudaError(CAPTURE_INVALIDATED)
    c_void_p.from_address(graph).value = _handle_of(captured)


@driver(c_void_p, c_uint64, gives=[c_void_p])
def cuGraphInstantiate(graph, flags):
    return _handle_of(tuple(objects[graph]))


@driver(c_void_p, c_void_p)
def cuGraphLaunch(handle, stream):
    for operation in objects[handle]:
        queue(_stream(stream), operation)


@driver(c_void_p)
def cuGraphDestroy(handle):
    del objects[handle]


@driver(c_void_p)
def cuGraphExecDestroy(handle):
    del objects[handle]


# Memory

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
    size = allocated.pop(address)  # not after the default stream: this function may be called from there
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
    """Memory of the host, and whether it is page-locked: what is not is read and written before a call returns."""
    there = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_uint8)), (size,))
    return there, any(start <= address < start + len(buffer) for start, buffer in page_locked.items())


@driver(c_uint64, c_void_p, c_size_t, c_void_p)
def cuMemcpyHtoDAsync(to, address, size, stream):
    source, locked = _on_host(address, size)
    if not locked:
        _spoil_if_captured(_stream(stream))
        source = source.copy()
    queue(_stream(stream), lambda: memory.fill(to, source))


@driver(c_void_p, c_uint64, c_size_t, c_void_p)
def cuMemcpyDtoHAsync(address, source, size, stream):
    to, locked = _on_host(address, size)
    if not locked:
        _spoil_if_captured(_stream(stream))
    queue(_stream(stream), lambda: np.copyto(to, memory.content(source, size)))
    if not locked:
        finish([_stream(stream)])


@driver(c_uint64, c_uint64, c_size_t, c_void_p)
def cuMemcpyDtoDAsync(to, source, size, stream):
    queue(_stream(stream), lambda: memory.copy(to, source, size))


@driver(c_uint64, c_void_p, c_size_t)
def cuMemcpyHtoD(to, address, size):
    cuMemcpyHtoDAsync(to, address, size, None)


@driver(c_void_p, c_uint64, c_size_t)
def cuMemcpyDtoH(address, source, size):
    cuMemcpyDtoHAsync(address, source, size, None)


# Kernels

_code_of = cache(Code)


class LaunchConfig(ctypes.Structure):
    """CUlaunchConfig."""

    _fields_ = (
        ("blocks", c_uint * 3), ("threads", c_uint * 3), ("shared", c_uint), ("stream", c_void_p),
        ("attributes", c_void_p), ("attributes_count", c_uint),
    )  # fmt: skip


@driver(c_void_p, *[c_void_p] * 5 + [c_uint] * 2, gives=[c_void_p])
def cuLibraryLoadData(code, *options):
    return _handle_of(ctypes.string_at(code).decode())


@driver(c_void_p)
def cuLibraryUnload(handle):
    del objects[handle]


@driver(c_void_p, c_char_p, gives=[c_void_p])
def cuLibraryGetKernel(library, name):
    code = _code_of(objects[library])
    assert code.name == name.decode()
    return _handle_of(code)


@driver(c_int, c_void_p, c_int, gives=[c_int])
def cuKernelGetAttribute(attribute, kernel, device):
    return _ATTRIBUTES[1] if attribute == 0 else 0  # threads of a block; what numba.cuda asks for to show it


@driver(c_void_p, c_void_p, c_void_p, c_void_p)
def cuLaunchKernelEx(config, kernel, parameters, extra):
    config, code = LaunchConfig.from_address(config), objects[kernel]
    blocks, threads = tuple(config.blocks), tuple(config.threads)
    if config.shared or config.attributes_count or extra:
        raise NotImplementedError("The virtual GPU launches with neither dynamic shared memory nor attributes.")
    if 0 in blocks + threads or np.prod(threads) > 1024 or max(blocks[1:]) > 65535:
        raise CudaError(INVALID_VALUE)
    places = (c_void_p * len(code.parameters)).from_address(parameters)
    values = [
        np.frombuffer(ctypes.string_at(place, kind.itemsize), kind)[0]
        for place, kind in zip(places, code.parameters, strict=True)
    ]
    queue(_stream(config.stream), lambda: virtual_gpu.Launch(code, blocks, threads, values).run())


# What there is


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


# Called after Python has ended, so it cannot be Python's: for device 0, C's abs answers 0, success.
functions["cuDevicePrimaryCtxRelease"] = ctypes.CDLL(None).abs


class _Contexts(threading.local):
    """The contexts that a thread has made current: the last one is."""

    def __init__(self):
        self.stack = []

    def current(self):
        return self.stack[-1] if self.stack else None


_contexts = _Contexts()


@driver(gives=[c_void_p])
def cuCtxGetCurrent():
    return _contexts.current()


@driver(gives=[c_void_p])
def cuCtxPopCurrent():
    return _contexts.stack.pop()


@driver(c_void_p)
def cuCtxPushCurrent(context):
    _contexts.stack.append(context)


@driver(c_void_p)
def cuCtxSetCurrent(context):
    _contexts.stack[-1:] = [context]


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


# In the place of the driver


def install() -> None:
    """From here on the backend "cuda" runs on the virtual GPU."""
    _write_into_table()
    from cuda.core import ObjectCode
    from numba.cuda.codegen import CUDACodeLibrary
    from numba.cuda.cudadrv.driver import driver as numbas

    numbas.is_initialized, numbas.initialization_error = False, None  # it looked for the library of a driver
    CUDACodeLibrary.get_cubin = lambda library, cc=None: ObjectCode.from_ptx(library.get_asm_str(cc=cc).encode())
    _forget_what_pools_give_out()
    _tell_of_errors()


def _write_into_table():
    if "cuda.bindings.driver" in sys.modules:
        raise ImportError("cuda.bindings.driver was imported before: it has looked up its functions.")
    from cuda.bindings import cydriver

    name_of, capsule = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_New
    name_of.restype, name_of.argtypes = c_void_p, [ctypes.py_object]
    capsule.restype, capsule.argtypes = ctypes.py_object, [c_void_p, c_void_p, c_void_p]
    table = cydriver.__pyx_capi__
    for name, entry in table.items():
        function = functions.get(name) or _missing(name)
        _kept.append((entry, function))  # the new capsule's name is the old one's
        table[name] = capsule(ctypes.cast(function, c_void_p), name_of(entry), None)


_kept = []


def _missing(name):
    def called():
        raise NotImplementedError(f"The virtual GPU's driver has no {name}.")

    return _c_function(called, [])


def _forget_what_pools_give_out():
    """Memory given out anew counts as not written, from where its first writer is queued on."""
    from minicnn.kernels.gpu import device
    from minicnn.kernels.gpu.memory import Pool
    from minicnn.kernels.gpu.recording import recording

    take = Pool.take

    def take_unwritten(pool, size, dtype):
        data, graph, stream = take(pool, size, dtype), recording(), _stream(int(device.stream().handle))
        place = data.__cuda_array_interface__["data"][0], data.nbytes
        with _lock:
            if graph and pool is not graph.pool:  # for what a replay is given before it runs
                stream.queue.append(lambda: memory.forget(*place))
            else:
                queue(stream, lambda: memory.forget(*place))
        return data

    Pool.take = take_unwritten


def _tell_of_errors():
    """After everything that minicnn does with the GPU, the errors of kernels are raised."""
    from minicnn.kernels.gpu import device

    leave = device._GPULock.__exit__

    def tell(lock, kind, error, traceback):
        try:
            return leave(lock, kind, error, traceback)
        finally:
            raise_errors()

    device._GPULock.__exit__ = tell
