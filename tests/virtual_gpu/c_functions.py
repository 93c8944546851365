"""Python functions that C calls as functions of CUDA's driver, and the handles by which they know objects."""

from __future__ import annotations

import ctypes
import threading
from ctypes import c_int, c_void_p
from itertools import count

from .streams import LAUNCH_FAILED, CudaError, errors, legacy

INVALID_VALUE, OUT_OF_MEMORY, INVALID_CONTEXT = 1, 2, 201

_WITHOUT_A_CONTEXT = (  # functions whose names begin with these need no context
    "cuInit", "cuDriver", "cuDevice", "cuGetError", "cuCtxGetCurrent", "cuCtxSet", "cuCtxPush", "cuCtxPop",
)  # fmt: skip

functions = {}  # {name: the function that C calls}
objects = {}  # {handle: the object that C knows by it}
_handles = count(0x1000, 0x10)
lock = threading.RLock()


def driver(*takes, gives=()):
    """Decorator: a function of the driver. Its C function takes pointers to the results, and then the arguments."""

    def register(function):
        def called(*arguments):
            if not function.__name__.startswith(_WITHOUT_A_CONTEXT) and not contexts.current():
                raise CudaError(INVALID_CONTEXT)
            found = function(*arguments[len(gives) :])
            for kind, place, value in zip(gives, arguments, found if len(gives) > 1 else [found], strict=False):
                if place:
                    kind.from_address(place).value = value

        functions[function.__name__] = c_function(called, [c_void_p] * len(gives) + list(takes))
        return function

    return register


def c_function(function, takes):
    """A C function that returns 0, the code of a CudaError, or "launch failed" for any other error."""

    def called(*arguments):
        with lock:
            try:
                function(*arguments)
            except CudaError as error:
                return error.args[0]
            except Exception as error:
                errors.append(error)
                return LAUNCH_FAILED
        return 0

    return ctypes.CFUNCTYPE(c_int, *takes)(called)


def handle_of(thing):
    handle = next(_handles)
    objects[handle] = thing
    return handle


def stream_of(handle):
    return objects[handle] if handle not in (None, 0, 1) else legacy


class _Contexts(threading.local):
    """A stack of the contexts that a thread has made current. The last one is current now."""

    def __init__(self):
        self.stack = []

    def current(self):
        return self.stack[-1] if self.stack else None


contexts = _Contexts()
