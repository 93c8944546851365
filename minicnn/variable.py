"""A weight: an array with a name, a gradient and a note of whether training may change it."""

from __future__ import annotations

import numpy as np

from .ops import merge, transfer


class Variable:
    """One weight of a layer. `value` is the array itself, with the backend that uses it; `grad` its gradient in the
    running step, or None."""

    def __init__(self, value: np.ndarray, name: str, path: str, trainable: bool = True, regularizer=None):
        self.value = value
        self.name = name
        self.path = path
        self.trainable = trainable
        self.regularizer = regularizer
        self.grad: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def dtype(self) -> str:
        return self.value.dtype.name

    def numpy(self) -> np.ndarray:
        """A copy of the value."""
        return np.array(transfer.to_host(self.value))

    def assign(self, value) -> None:
        """Replace the value, keeping the array and its type; ValueError if the shape differs."""
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(f"Weight {self.path!r} has shape {self.shape}; received an array of shape {value.shape}.")
        transfer.assign(self.value, value)

    def bring_here(self) -> None:
        """Move the value to where the backend in use computes."""
        self.value = transfer.here(self.value)

    def add_gradient(self, gradient: np.ndarray) -> None:
        """Add to `grad`. The first gradient is kept as it is; a second one makes a sum in a buffer of its own."""
        if self.grad is None:
            self.grad = gradient
        else:
            self.grad, _ = merge.add_forward([self.grad, gradient], need_saved=False)

    def __array__(self, dtype=None, copy=None):
        return np.array(transfer.to_host(self.value), dtype=dtype)

    def __repr__(self):
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, trainable={self.trainable}>"
