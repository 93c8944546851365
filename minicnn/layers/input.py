"""The beginning of a graph."""

from __future__ import annotations

import numpy as np

from ..symbol import Node, Symbol
from .checks import checked_shape
from .identity import Identity


class InputLayer(Identity):
    """The beginning of a graph: returns its input unchanged. shape does not contain the batch axis."""

    def __init__(self, shape=None, batch_size=None, batch_shape=None, **kwargs):
        if kwargs.get("dtype") is not None and np.dtype(kwargs["dtype"]).kind in "bui":
            kwargs["dtype"] = None  # this is the type of the data; the model computes in the default type
        super().__init__(**kwargs)
        if batch_shape is not None:
            batch_size, shape = batch_shape[0], tuple(batch_shape)[1:]
        shape = self.input_shape_argument if shape is None else checked_shape(shape, "shape")
        if shape is None:
            raise ValueError("InputLayer needs shape=(...), the input's shape without the batch axis.")
        self.shape, self.batch_size = shape, batch_size
        self.batch_shape = (batch_size, *shape)
        self.built = True
        self._nodes.append(Node(self, [], [Symbol(self.batch_shape, self.dtype)]))

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
    if sparse or ragged:
        raise ValueError(f"minicnn has no sparse or ragged arrays; received sparse={sparse!r}, ragged={ragged!r}.")
    if shape is not None and batch_shape is not None:
        raise ValueError(f"Give shape or batch_shape, not both; received shape={shape!r}, batch_shape={batch_shape!r}.")
    if tensor is not None:
        return tensor
    return InputLayer(shape=shape, batch_size=batch_size, batch_shape=batch_shape, dtype=dtype, name=name).output
