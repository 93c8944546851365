"""Arrays in the GPU's memory, and their copies to the host and back."""

from __future__ import annotations

import math

import numpy as np

from .device import gpu_lock, stream
from .memory import Memory, Pool, common_pool, remembered
from .recording import not_while_recording

_MOST_NUMBERS = (1 << 31) - 1  # the most that 32-bit indices can reach


class DeviceArray:
    """An array in the GPU's memory: shape, dtype, C-contiguous. `data` is flat, and may be longer than the array.

    Kernels get `data` and the sizes. `reshape` gives another view of the same memory.
    """

    __slots__ = ("_memory", "data", "dtype", "shape", "size")

    def __init__(self, shape: tuple[int, ...], dtype, memory: Memory | None = None):
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.size = math.prod(self.shape)
        if self.size > _MOST_NUMBERS:
            raise ValueError(
                f"An array on the GPU can have at most {_MOST_NUMBERS} numbers; shape {self.shape} has {self.size}: "
                "use smaller batches."
            )
        self._memory = memory or Memory(self.size, self.dtype)
        self.data = self._memory.data

    @property
    def pool(self) -> Pool:
        """The pool that the array's memory comes from and goes back to."""
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
        """The same numbers in another shape; one size may be -1, which is computed from the others."""
        shape = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if -1 in shape:
            known = -math.prod(shape)
            shape = tuple(self.size // known if size == -1 else size for size in shape)
        if math.prod(shape) != self.size:
            raise ValueError(f"An array of shape {self.shape} cannot take the shape {shape}.")
        return DeviceArray(shape, self.dtype, self._memory)

    def copy(self) -> DeviceArray:
        """A copy of the numbers in other memory."""
        not_while_recording("an array was copied")
        twin = DeviceArray(self.shape, self.dtype)
        if self.size:
            with gpu_lock:
                twin.data[: self.size].copy_to_device(self.data[: self.size], stream())
        return twin

    def fill_from(self, array: np.ndarray) -> None:
        """Replace the numbers by those of a host array of the same shape."""
        not_while_recording("an array was sent to the GPU")
        array = np.ascontiguousarray(array, self.dtype).reshape(-1)
        if self.size:
            with gpu_lock:
                self.data[: self.size].copy_to_device(array, stream())
                stream().synchronize()  # the host may change its array from here on

    def to_host(self) -> np.ndarray:
        """A copy of the numbers in a host array. Waits for all work that is queued before."""
        not_while_recording("an array was fetched from the GPU")
        with gpu_lock:
            flat = self.data[: self.size].copy_to_host(stream=stream()) if self.size else np.empty(0, self.dtype)
            stream().synchronize()
        return flat.reshape(self.shape)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"An array of shape {self.shape} is in the GPU's memory; "
            "minicnn.runtime.transfer.to_host(array) copies it to the host."
        )

    def __repr__(self):
        return f"<DeviceArray shape={self.shape}, dtype={self.dtype.name}>"


def empty(shape, dtype) -> DeviceArray:
    """An uninitialised array."""
    return DeviceArray(shape, dtype)


def empty_number(dtype) -> DeviceArray:
    """An uninitialised array (1,). Within a recording, no other array of the recording uses its memory."""
    return DeviceArray((1,), dtype, Memory(1, np.dtype(dtype), common_pool))


def upload(array: np.ndarray) -> DeviceArray:
    """A copy of a host array in the GPU's memory. Waits until it has arrived; for batches see `stage`."""
    there = DeviceArray(array.shape, array.dtype)
    there.fill_from(array)
    return there


def constant(array: np.ndarray) -> DeviceArray:
    """The same as `upload`, for arrays that never change: equal arrays are copied only once."""
    array = np.ascontiguousarray(array)
    return _constant(array.tobytes(), array.shape, array.dtype)


@remembered
def _constant(content, shape, dtype):
    return upload(np.frombuffer(content, dtype).reshape(shape))
