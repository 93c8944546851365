"""Where host and GPU meet: arrays in the GPU's memory, and what travels between the two. No other file copies.

Work for the GPU is queued, not waited for: the host is free to prepare the next batch while the GPU computes. Three
things keep that up:

- **memory is kept.** Asking the driver for memory makes host and GPU wait for each other. So the memory of an array
  that nobody holds any more serves the next array of about its size (`Pool`). That is safe because all computing is
  queued on one stream: the old array's last reader stands before the new array's first writer.
- **batches go up beside the computing.** `stage` copies a batch into page-locked memory, which the GPU can read by
  itself, and queues the copy on a stream of its own; computing waits for it only where it needs the batch.
- **numbers come down when they are looked at.** A loss is a `Reading`: a place in the GPU's memory. `float(reading)`
  fetches all readings since the last time in one copy.

With NUMBA_ENABLE_CUDASIM=1 all of this runs in numba-cuda's simulator, in plain Python, without a GPU.
"""

from __future__ import annotations

import gc
import math
import threading
from collections import defaultdict
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
from numba import config, cuda

SIMULATED = bool(config.ENABLE_CUDASIM)

config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # a small layer is a small grid, and its user cannot make it larger

_OLDEST_DRIVER = (13, 0)  # what the CUDA 13 packages of numba-cuda need
_MOST_NUMBERS = (1 << 31) - 1  # what 32-bit indices reach
_STAGES = 3  # so many batches may be on their way up
_READINGS = 1024  # so many numbers may wait to be fetched


class DeviceArray:
    """An array in the GPU's memory: shape, dtype, C-contiguous. `data` is flat, and may be longer than the array.

    Kernels get `data` and the sizes. `reshape` gives another view of the same memory.
    """

    __slots__ = ("_memory", "data", "dtype", "shape", "size")

    def __init__(self, shape: tuple[int, ...], dtype, memory: _Memory | None = None):
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.size = math.prod(self.shape)
        if self.size > _MOST_NUMBERS:
            raise ValueError(
                f"The GPU's kernels count to {_MOST_NUMBERS}; an array of shape {self.shape} has {self.size} numbers: "
                "use smaller batches."
            )
        self._memory = memory or _Memory(self.size, self.dtype)
        self.data = self._memory.data

    @property
    def pool(self) -> Pool:
        """Where the array's memory comes from, and goes back to."""
        return self._memory.pool

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __len__(self):
        return self.shape[0]

    def reshape(self, *shape) -> DeviceArray:
        """The same numbers in another shape; one size may be -1, for what is left."""
        shape = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if -1 in shape:
            known = -math.prod(shape)
            shape = tuple(self.size // known if size == -1 else size for size in shape)
        if math.prod(shape) != self.size:
            raise ValueError(f"An array of shape {self.shape} cannot take the shape {shape}.")
        return DeviceArray(shape, self.dtype, self._memory)

    def copy(self) -> DeviceArray:
        """The same numbers in memory of their own."""
        not_while_recording("an array was copied")
        twin = DeviceArray(self.shape, self.dtype)
        if self.size:
            with turn:
                twin.data[: self.size].copy_to_device(self.data[: self.size], stream())
        return twin

    def fill_from(self, array: np.ndarray) -> None:
        """Replace the numbers by those of an array of the host, of the same shape."""
        not_while_recording("an array was sent to the GPU")
        array = np.ascontiguousarray(array, self.dtype).reshape(-1)
        if self.size:
            with turn:
                self.data[: self.size].copy_to_device(array, stream())
                stream().synchronize()  # the host may change its array from here on

    def to_host(self) -> np.ndarray:
        """A copy of the numbers in an array of the host. Waits for all that is queued before."""
        not_while_recording("an array was fetched from the GPU")
        with turn:
            flat = self.data[: self.size].copy_to_host(stream=stream()) if self.size else np.empty(0, self.dtype)
            stream().synchronize()
        return flat.reshape(self.shape)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"An array of shape {self.shape} lies in the GPU's memory; "
            "minicnn.runtime.transfer.to_host(array) copies it."
        )

    def __repr__(self):
        return f"<DeviceArray shape={self.shape}, dtype={self.dtype.name}>"


def empty(shape, dtype) -> DeviceArray:
    """An uninitialised array."""
    return DeviceArray(shape, dtype)


def empty_number(dtype) -> DeviceArray:
    """An uninitialised array (1,), also within a recording in memory that serves no other array of it."""
    return DeviceArray((1,), dtype, _Memory(1, np.dtype(dtype), _pool))


def upload(array: np.ndarray) -> DeviceArray:
    """A copy of an array of the host. Waits until it is there; for batches see `stage`."""
    there = DeviceArray(array.shape, array.dtype)
    there.fill_from(array)
    return there


_remembering: list = []


def remembered(function):
    """Decorator: a function that makes arrays in the GPU's memory keeps its last results, until `clear`."""
    cached = lru_cache(maxsize=1024)(function)
    _remembering.append(cached)
    return cached


def constant(array: np.ndarray) -> DeviceArray:
    """The same as `upload`, for what never changes: equal arrays are copied once."""
    array = np.ascontiguousarray(array)
    return _constant(array.tobytes(), array.shape, array.dtype)


@remembered
def _constant(content, shape, dtype):
    return upload(np.frombuffer(content, dtype).reshape(shape))


# Threads

_LOST = ("ILLEGAL", "LAUNCH_FAILED", "LAUNCH_TIMEOUT", "MISALIGNED", "ECC", "HARDWARE", "DEVICE_UNAVAILABLE", "ASSERT")


class LostDeviceError(RuntimeError):
    """The GPU runs no kernel any more."""


class _Turn:
    """Within this block it is this thread's turn: what others queue meanwhile could get into its recording.

    The driver knows for each thread of the host which GPU it works with; a thread's first turn tells it. An error
    after which the GPU runs no kernel any more becomes a LostDeviceError, a sentence.
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
                f"The GPU stopped working ({str(error).strip()}). Its memory is lost: start the program anew; "
                "weights saved before are safe."
            ) from error


turn = _Turn()
"""Everything that talks to the GPU does so in its turn."""


# Memory


class _Memory:
    """A piece of the GPU's memory; goes back to the pool when nobody holds it any more."""

    __slots__ = ("data", "key", "pool")

    def __init__(self, size, dtype, pool=None):
        self.key, self.pool = (_bucket(size), dtype), pool or (recording().pool if recording() else _pool)
        self.data = self.pool.take(*self.key)

    def __del__(self):
        if hasattr(self, "data"):  # the pool may have refused
            self.pool.give_back(self.key, self.data)


def _bucket(size):
    """`size` rounded up, by at most a quarter, so that arrays of about a size share their memory."""
    size = max(size, 64)
    step = 1 << max(size.bit_length() - 3, 0)
    return -(-size // step) * step


class Pool:
    """Keeps memory that nobody holds any more: {(size, dtype): [flat arrays]}.

    It also holds on to what it gave out. Where arrays are garbage in a cycle of Python objects, numba.cuda frees what
    only they hold before `_Memory.__del__` can give it back.
    """

    def __init__(self):
        self.idle, self.given = defaultdict(list), {}

    def take(self, size, dtype):
        with turn:
            waiting = self.idle[size, dtype]
            data = waiting.pop() if waiting else _allocated(size, dtype)
            self.given[id(data)] = data
            return data

    def give_back(self, key, data):
        """Called by the garbage collector, in any thread and at any time: so not in its turn."""
        del self.given[id(data)]
        self.idle[key].append(data)


_pool = Pool()


def clear() -> None:
    """Give the memory back to the driver that nobody holds, or that only `remembered` functions do."""
    with turn:
        for cached in _remembering:
            cached.cache_clear()
        _pool.idle.clear()


def _allocated(size, dtype):
    """New memory. If there is too little, what is idle goes first; MemoryError if that does not help."""
    try:
        return cuda.device_array(size, dtype)
    except Exception as error:
        if "OUT_OF_MEMORY" not in str(error):
            raise
    gc.collect()  # what cycles of garbage hold is idle then
    if recording():
        _pool.idle.clear()  # what is remembered may be part of the recording
    else:
        clear()
    try:
        return cuda.device_array(size, dtype)
    except Exception as error:
        if "OUT_OF_MEMORY" not in str(error):
            raise
        free, total = cuda.current_context().get_memory_info()
        raise MemoryError(
            f"The GPU has {free / 1e6:.0f} of its {total / 1e6:.0f} MB free, and {size * dtype.itemsize / 1e6:.0f} "
            "MB more are needed: use smaller batches or images."
        ) from error


# Recording, see `graph.py`

_recorded = threading.local()


def recording():
    """The graph that this thread is recording, or None."""
    return getattr(_recorded, "graph", None)


@contextmanager
def recorded_by(graph):
    """Within this block kernels are recorded, not run, and memory comes from the graph's pool. Other threads wait."""
    with turn:
        _pool.idle.clear()  # the memory of the steps before, which the graph's pool takes the place of
        _recorded.graph = graph
        try:
            yield
        finally:
            _recorded.graph = None


def not_while_recording(what: str) -> None:
    """RuntimeError if a step is being recorded, in which nothing may pass between host and GPU."""
    if recording():
        raise RuntimeError(
            f"While a training step was recorded as a CUDA graph, {what}, which a replay would not repeat. "
            "Set MINICNN_CUDA_LAUNCH=direct to train without graphs."
        )


# The streams, and batches on their way up


def stream():
    """The stream on which everything is computed, in order."""
    with turn:
        return _stream()


@lru_cache(maxsize=1)
def _stream():
    return cuda.stream()


class _Stage:
    """Page-locked memory of the host and memory of the GPU for one batch on its way up."""

    def __init__(self, size, dtype):
        self.host, self.there = cuda.pinned_array(size, dtype), _allocated(size, dtype)
        self.arrived, self.read = cuda.event(), cuda.event()


class _Stages:
    """A few stages for each type of number, used in turns."""

    def __init__(self):
        self.stream = cuda.stream()
        self.of_type = defaultdict(list)

    def take(self, size, dtype):
        stages = self.of_type[dtype]
        if len(stages) < _STAGES:
            stages.append(_Stage(_bucket(size), dtype))
            return stages[-1]
        stage = stages.pop(0)
        stage.arrived.synchronize()  # the copy of some batches ago: long done
        if len(stage.host) < size:
            stage.read.synchronize()  # before its memory is given up
            stage = _Stage(_bucket(size), dtype)
        stages.append(stage)
        return stage


@lru_cache(maxsize=1)
def _stages():
    return _Stages()


def stage(shape, dtype, write, read):
    """Send a batch up while the GPU computes: write(host array of `shape`) fills it in, read(flat data there) queues
    the kernel that takes it from there."""
    not_while_recording("a batch was sent to the GPU")
    size, dtype = math.prod(shape), np.dtype(dtype)
    with turn:
        stages = _stages()
        at = stages.take(size, dtype)
        write(at.host[:size].reshape(shape))
        at.read.wait(stages.stream)  # the kernel that read this stage's last batch
        at.there[:size].copy_to_device(at.host[:size], stages.stream)
        at.arrived.record(stages.stream)
        at.arrived.wait(stream())
        read(at.there)
        at.read.record(stream())


# Numbers on their way down


class Reading:
    """A number in the GPU's memory; float(reading) waits for it."""

    __slots__ = ("place", "value")

    def __init__(self, place):
        self.place, self.value = place, None

    def __float__(self):
        if self.value is None:
            _readings().fetch()
        return self.value


class _Readings:
    """The GPU's memory for numbers that wait to be looked at."""

    def __init__(self):
        self.data = _allocated(_READINGS, np.dtype(np.float64))
        self.waiting: list[Reading] = []

    def new(self):
        if len(self.waiting) == _READINGS:
            self.fetch()
        reading = Reading(len(self.waiting))
        self.waiting.append(reading)
        return reading

    def fetch(self):
        not_while_recording("a number was looked at")
        with turn:
            waiting, self.waiting = self.waiting, []
            if waiting:
                values = self.data[: len(waiting)].copy_to_host(stream=stream())
                stream().synchronize()
            for reading in waiting:
                reading.value = float(values[reading.place])


@lru_cache(maxsize=1)
def _readings():
    return _Readings()


def new_reading(write):
    """A Reading. write(flat data, place) queues the kernel that writes a float64 to data[place]."""
    if recording():
        return recording().new_reading(write)
    with turn:
        readings = _readings()
        reading = readings.new()
        write(readings.data, reading.place)
    return reading


# Whether there is a GPU


def check() -> None:
    """RuntimeError, with what to do about it, unless a GPU can be used."""
    missing = what_is_missing()
    if missing:
        raise RuntimeError(f'The "cuda" backend cannot be used: {missing}')


@lru_cache(maxsize=1)
def what_is_missing() -> str | None:
    """A sentence about what keeps the GPU from being used, or None."""
    if SIMULATED:
        return None
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
    if SIMULATED:
        return "numba-cuda's simulator"
    found = cuda.get_current_device().name
    return found.decode() if isinstance(found, bytes) else found
