"""numba-cuda's simulator, made dependable and quicker: for processes with NUMBA_ENABLE_CUDASIM=1."""

from __future__ import annotations

import sys
import threading


def prepare() -> None:
    """Hand on the interpreter's lock sooner, and let one thread at a time ask for shared memory.

    The simulator waits for its threads in a busy loop, which holds the lock for 5 ms at a time otherwise. And two
    threads that ask for a shared array for the first time at once get one each, and share nothing.
    """
    import numpy as np
    from numba.cuda import types
    from numba.cuda.np import numpy_support
    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    lock = threading.Lock()

    def array(self, shape, dtype, alignment=None):
        place = sys._getframe(1).f_code.co_filename, sys._getframe(1).f_lineno
        dtype = numpy_support.as_dtype(dtype) if isinstance(dtype, types.Type) else dtype
        with lock:
            return self._allocations.setdefault(place, np.empty(shape, dtype))

    FakeCUDAShared.array = array
    sys.setswitchinterval(1e-4)
