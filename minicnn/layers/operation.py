"""The base class of layers that stand for one function of `minicnn.ops`."""

from __future__ import annotations

from .base import Layer
from .names import operation_name


class Operation(Layer):
    """A layer without weights, called as Keras calls the operation: `kind` in Keras's spelling."""

    is_operation = True

    def __init__(self, kind, name=None, dtype=None):
        super().__init__(name=name or operation_name("".join(part.title() for part in kind.split("_"))), dtype=dtype)
