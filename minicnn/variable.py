"""A weight: an array with a name, a gradient and a note of whether training may change it."""

from __future__ import annotations

import numpy as np

from . import config
from .ops import merge, transfer


class Variable:
    """One weight. `value` is the array itself, where the backend that uses it computes; `grad` its gradient in the
    running step, or None.

    initializer: an array, a number, or a callable (shape, dtype) -> array, which needs the shape. path: the name with
    the layer's before it.
    """

    def __init__(
        self,
        initializer,
        shape=None,
        dtype=None,
        trainable=True,
        name=None,
        path=None,
        regularizer=None,
        constraint=None,
    ):
        dtype = config.checked_float_type(dtype or getattr(initializer, "dtype", None) or config.floatx())
        if callable(initializer):
            if shape is None:
                raise ValueError("A Variable made by an initializer needs its shape.")
            initializer = initializer(tuple(shape), dtype)
        self.value = np.require(initializer, dtype, ["C", "W", "O"])
        if shape is not None and self.value.shape != tuple(shape):
            raise ValueError(
                f"The initializer of {path or name} was asked for {tuple(shape)}; made {self.value.shape}."
            )
        self.name = name or "variable"
        self.path = path or self.name
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        self.grad: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

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

    def assign_add(self, value) -> None:
        """Add to the value."""
        self.assign(self.numpy() + np.asarray(value))

    def assign_sub(self, value) -> None:
        """Subtract from the value."""
        self.assign(self.numpy() - np.asarray(value))

    def bring_here(self) -> None:
        """Move the value to where the backend in use computes."""
        self.value = transfer.here(self.value)

    def add_gradient(self, gradient: np.ndarray) -> None:
        """Add to `grad`. The first gradient is kept as it is; a second one makes a sum in a buffer of its own."""
        if self.grad is None:
            self.grad = gradient
        else:
            self.grad, _ = merge.forward("add", [self.grad, gradient], need_saved=False)

    def __array__(self, dtype=None, copy=None):
        return np.array(transfer.to_host(self.value), dtype=dtype)

    def __repr__(self):
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, trainable={self.trainable}>"
