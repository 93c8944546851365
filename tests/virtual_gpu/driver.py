"""CUDA's driver for the virtual GPU: the C functions that numba.cuda and cuda.core call, written in Python.

So the tests run the same arrays, streams, events, page-locked memory, direct launches and CUDA graphs as on hardware.

Cython's modules find each other's C functions in a table, `__pyx_capi__`, which they read when they are first imported.
`install` writes the functions of `c_functions.py` into the table of cuda.bindings. The files `driver_*.py` define these
functions.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import c_void_p

from . import driver_device, driver_kernels, driver_memory, driver_streams  # noqa: F401 (they define the functions)
from .c_functions import c_function, functions, lock, stream_of
from .gpu import memory
from .streams import queue, raise_errors


def install() -> None:
    """Make the backend "cuda" run on the virtual GPU."""
    _write_into_table()
    from cuda.core import ObjectCode
    from numba.cuda.codegen import CUDACodeLibrary
    from numba.cuda.cudadrv.driver import driver as numbas

    numbas.is_initialized, numbas.initialization_error = False, None  # Numba looked for a driver's library before
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
        _kept.append((entry, function))  # keep the entry: the new capsule uses its name
        table[name] = capsule(ctypes.cast(function, c_void_p), name_of(entry), None)


_kept = []


def _missing(name):
    def called():
        raise NotImplementedError(f"The virtual GPU's driver has no {name}.")

    return c_function(called, [])


def _forget_what_pools_give_out():
    """When a pool gives out memory again, count the memory as not written, from its place in the queue on."""
    from minicnn.kernels.gpu import device
    from minicnn.kernels.gpu.memory import Pool
    from minicnn.kernels.gpu.recording import recording

    take = Pool.take

    def take_unwritten(pool, size, dtype):
        data, graph, stream = take(pool, size, dtype), recording(), stream_of(int(device.stream().handle))
        place = data.__cuda_array_interface__["data"][0], data.nbytes
        with lock:
            if graph and pool is not graph.pool:  # filled before each replay: not a part of the graph
                stream.queue.append(lambda: memory.forget(*place))
            else:
                queue(stream, lambda: memory.forget(*place))
        return data

    Pool.take = take_unwritten


def _tell_of_errors():
    """Raise the errors of kernels each time minicnn leaves the GPU's lock."""
    from minicnn.kernels.gpu import device

    leave = device._GPULock.__exit__

    def tell(lock, kind, error, traceback):
        try:
            return leave(lock, kind, error, traceback)
        finally:
            raise_errors()

    device._GPULock.__exit__ = tell
