"""Embedding: a row of a table for every whole number."""

from __future__ import annotations

import numpy as np

from .. import constraints, initializers, regularizers
from ..ops import dense, merge
from ..runtime import transfer
from ..shapes import is_positive_integer
from .base import Layer


class Embedding(Layer):
    """For whole numbers (N, ...) below input_dim the rows of the weights (input_dim, output_dim): (N, ..., output_dim).

    Row i is the product of the weights with a vector that has 1 at place i and 0 elsewhere, so dense's kernels compute
    it, and its gradient. That is meant for tables of some hundred rows, such as the centres of classes. A number
    outside of the table gives zeros.
    """

    def __init__(
        self, input_dim, output_dim, embeddings_initializer="uniform", embeddings_regularizer=None,
        embeddings_constraint=None, mask_zero=False, weights=None, **kwargs,
    ):  # fmt: skip
        kwargs.pop("input_length", None)  # has no effect, as in Keras
        super().__init__(**kwargs)
        for label, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not is_positive_integer(value):
                raise ValueError(f"{label} must be a positive integer; received {label}={value!r}.")
        if mask_zero:
            raise ValueError("minicnn has no masks; received mask_zero=True.")
        self.input_dim, self.output_dim = int(input_dim), int(output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero, self._first = bool(mask_zero), weights

    _not_in_config = (*(name for name in Layer._not_in_config if name != "input_dim"), "weights")

    def build(self, input_shape=None):
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint, name="embeddings",
        )  # fmt: skip
        if self._first is not None:
            self.set_weights(self._first if isinstance(self._first, (list, tuple)) else [self._first])
        self._places = np.arange(self.input_dim, dtype=self.dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)

    def forward(self, x, training=False, need_saved=True):
        places = self._places = transfer.to_device(self._places)
        ones, _ = merge.forward("equal", [x.reshape(-1, 1), places.reshape(1, -1)], need_saved=False)
        y, saved = dense.forward(ones, self.embeddings.array, None, need_saved=bool(need_saved))
        return y.reshape(*x.shape, self.output_dim), (saved, x)

    def backward(self, dy, saved, need_dx=True):
        saved, x = saved
        _, dw, _ = dense.backward(dy.reshape(-1, self.output_dim), saved, need_dx=False)
        self.add_gradients((self.embeddings, dw))
        return transfer.full_like(x, 0) if need_dx else None
