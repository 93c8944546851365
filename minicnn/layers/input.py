"""The beginning of a graph."""

from __future__ import annotations

import numpy as np

from ..symbol import Node, Symbol
from .checks import checked_shape
from .identity import Identity


class InputLayer(Identity):
    """The beginning of a graph: returns its input unchanged. shape does not contain the batch axis."""

    def __init__(
        self, shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None, input_tensor=None,
        optional=False, name=None, **kwargs,
    ):  # fmt: skip
        if sparse or ragged:
            raise ValueError(f"minicnn has no sparse or ragged arrays; received sparse={sparse!r}, ragged={ragged!r}.")
        if shape is not None and batch_shape is not None:
            raise ValueError(f"Give shape or batch_shape, not both; received {shape=!r}, {batch_shape=!r}.")
        if batch_size is not None and batch_shape is not None:
            raise ValueError(f"Give batch_size or batch_shape, not both; received {batch_size=!r}, {batch_shape=!r}.")
        if dtype is not None and np.dtype(getattr(dtype, "compute_dtype", dtype)).kind in "bui":
            dtype = None  # this is the type of the data; the model computes in the default type
        if input_tensor is not None:
            _check_tensor(input_tensor, shape=shape, batch_size=batch_size, batch_shape=batch_shape, dtype=dtype)
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        super().__init__(dtype=dtype, name=name, **kwargs)
        self.optional, self.sparse, self.ragged = optional, False, False
        if batch_shape is not None:
            batch_size, shape = batch_shape[0], tuple(batch_shape)[1:]
        shape = self.input_shape_argument if shape is None else checked_shape(shape, "shape")
        if shape is None:
            raise ValueError("InputLayer needs shape=(...), the input's shape without the batch axis.")
        self.shape, self.batch_size = shape, batch_size
        self.batch_shape = (batch_size, *shape)
        self.built = True
        self._nodes.append(
            Node(self, [], [Symbol(self.batch_shape, self.dtype)]) if input_tensor is None else input_tensor.node
        )

    def get_config(self):
        return {"batch_shape": self.batch_shape, "dtype": self.dtype, "name": self.name}

    def compute_output_shape(self, input_shape):
        return self.batch_shape


def Input(
    shape=None, batch_size=None, dtype=None, sparse=None, batch_shape=None, name=None, tensor=None, optional=False,
    ragged=None,
) -> Symbol:  # fmt: skip
    """A symbol for a model's input. shape does not contain the batch axis; None is a size not yet known.

    A float dtype is the type that the model computes in. Data of any type is cast batch by batch, so an integer
    dtype changes nothing. tensor: a symbol, which is the input itself. optional changes nothing, and there are no
    sparse or ragged arrays here.
    """
    if tensor is not None:
        return tensor
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, optional=optional, name=name)
    return layer.output


def _check_tensor(tensor, **given):
    """ValueError unless `tensor` is a symbol to which everything that was given fits."""
    if not isinstance(tensor, Symbol):
        raise ValueError(f"input_tensor must be a symbol; received a {type(tensor).__name__}.")
    shape = tuple(tensor.shape)
    its = {"shape": shape[1:], "batch_size": shape[0], "batch_shape": shape, "dtype": tensor.dtype}
    for name, value in given.items():
        value = tuple(value) if isinstance(value, list) else value
        if value is not None and value != its[name]:
            raise ValueError(f"{name}={value!r} does not fit input_tensor, which has {name}={its[name]!r}.")
