"""The GPU: whether there is one, the stream on which it computes, and the lock for using it.

The host queues work for the GPU on the stream and does not wait for it. So the host can prepare the next batch while
the GPU computes. Three files keep the host from waiting:

- `memory.py`: asking the driver for memory makes host and GPU wait for each other, so memory is kept for reuse;
- `stages.py`: batches are sent to the GPU while it computes;
- `readings.py`: numbers such as losses are fetched only when the host reads them.
"""

from __future__ import annotations

import threading
from functools import lru_cache

from numba import config, cuda

config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # a small layer has a small grid, and the user cannot make it larger

_OLDEST_DRIVER = (13, 0)  # what the CUDA 13 packages of numba-cuda need


def check() -> None:
    """RuntimeError, which says what to do, unless a GPU can be used."""
    missing = what_is_missing()
    if missing:
        raise RuntimeError(f'The "cuda" backend cannot be used: {missing}')


@lru_cache(maxsize=1)
def what_is_missing() -> str | None:
    """A sentence that says why no GPU can be used, or None."""
    if getattr(cuda, "implementation", "Built-in") != "NVIDIA":
        return 'the package numba-cuda is not installed: pip install "minicnn[cuda]".'
    if not cuda.is_available():
        if cuda.cudadrv.driver.driver.is_available:
            return "there is a GPU, but libNVVM, the compiler for it, was not found: set CUDA_HOME to a CUDA toolkit."
        reason = str(cuda.cuda_error() or "the driver finds no device").strip().splitlines()[0].rstrip(".")
        return f"no NVIDIA GPU was found ({reason})."
    version = tuple(cuda.cudadrv.driver.driver.get_version())
    if version < _OLDEST_DRIVER:
        return (
            f"the GPU's driver knows CUDA {version[0]}.{version[1]}, and CUDA {_OLDEST_DRIVER[0]}.{_OLDEST_DRIVER[1]} "
            "is needed: install a driver of version 580 or newer."
        )
    return None


def name() -> str:
    """The GPU's name."""
    found = cuda.get_current_device().name
    return found.decode() if isinstance(found, bytes) else found


# The lock

_LOST = ("ILLEGAL", "LAUNCH_FAILED", "LAUNCH_TIMEOUT", "MISALIGNED", "ECC", "HARDWARE", "DEVICE_UNAVAILABLE", "ASSERT")


class LostDeviceError(RuntimeError):
    """The GPU can no longer run kernels."""


class _GPULock:
    """Within this block other threads wait. Otherwise the work that they queue could get into this thread's recording.

    The driver must know for each thread of the host which GPU the thread uses; the thread's first block tells it. An
    error after which the GPU can no longer run kernels becomes a LostDeviceError, which says what to do.
    """

    def __init__(self):
        self._lock, self._thread = threading.RLock(), threading.local()

    def __enter__(self):
        if not hasattr(self._thread, "context"):
            self._thread.context = cuda.current_context()
        self._lock.acquire()

    def __exit__(self, kind, error, traceback):
        self._lock.release()
        if error is None or isinstance(error, LostDeviceError):
            return
        if "CUDA_ERROR" in str(error) and any(word in str(error) for word in _LOST):
            raise LostDeviceError(
                f"The GPU stopped working ({str(error).strip()}). Its memory is lost: start the program again; "
                "weights that were saved before are safe."
            ) from error


gpu_lock = _GPULock()
"""All code that uses the GPU holds this lock."""


# The stream


def stream():
    """The stream on which everything is computed, in order."""
    with gpu_lock:
        return _stream()


@lru_cache(maxsize=1)
def _stream():
    return cuda.stream()
