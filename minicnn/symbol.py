"""Symbols and nodes, the parts of a model's graph. A symbol represents an array that does not exist yet."""

from __future__ import annotations

from collections.abc import Callable


class Symbol:
    """An array that does not exist yet: its shape (None for the batch), its type, and the node that will make it.

    `+ - * /` with numbers, arrays and symbols, and `[..., ::-1]`, return new symbols. Each of them calls a layer.
    """

    __array_ufunc__ = None  # so that NumPy leaves array + symbol to the symbol

    calculate: Callable | None = None
    """(name of the operation, first, second) -> symbol; `layers/arithmetic.py` sets this function."""

    reverse: Callable | None = None
    """(symbol) -> the symbol with its last axis reversed; `layers/arithmetic.py` sets this function."""

    def __init__(self, shape: tuple, dtype: str, node: Node | None = None, index: int = 0):
        self.shape = tuple(shape)
        self.dtype = dtype
        self.node = node
        self.index = index  # the position of this symbol among the node's outputs

    @property
    def name(self) -> str:
        """The name of the layer that makes this array."""
        return self.node.layer.name

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __add__(self, other):
        return Symbol.calculate("add", self, other)

    def __radd__(self, other):
        return Symbol.calculate("add", other, self)

    def __sub__(self, other):
        return Symbol.calculate("subtract", self, other)

    def __rsub__(self, other):
        return Symbol.calculate("subtract", other, self)

    def __mul__(self, other):
        return Symbol.calculate("multiply", self, other)

    def __rmul__(self, other):
        return Symbol.calculate("multiply", other, self)

    def __truediv__(self, other):
        return Symbol.calculate("divide", self, other)

    def __rtruediv__(self, other):
        return Symbol.calculate("divide", other, self)

    def __neg__(self):
        return Symbol.calculate("multiply", self, -1.0)

    def __getitem__(self, key):
        if key == (Ellipsis, slice(None, None, -1)):
            return Symbol.reverse(self)
        raise TypeError(f"A symbol takes only the index [..., ::-1], which reverses its last axis; received [{key!r}].")

    def __iter__(self):
        raise TypeError(f"A symbol has no numbers yet, so it cannot be iterated over: {self!r}.")

    def __array__(self, dtype=None, copy=None):
        raise TypeError(f"A symbol has no numbers yet, so NumPy cannot compute with it: {self!r}.")

    def __repr__(self):
        return f"<Symbol shape={self.shape}, dtype={self.dtype}, from layer {self.name!r}>"


class Node:
    """One call of a layer on symbols. A layer used twice has two nodes.

    `training` is the call's argument: True or False, or None to use the value of the model that runs.
    """

    def __init__(self, layer, inputs: list[Symbol], outputs: list[Symbol], training: bool | None = None):
        self.layer = layer
        self.inputs = inputs
        self.outputs = outputs
        self.training = training
        for index, symbol in enumerate(outputs):
            symbol.node, symbol.index = self, index


def is_symbolic(x) -> bool:
    """Whether x is a symbol, or a list, tuple or dictionary with a symbol in it."""
    if isinstance(x, dict):
        x = list(x.values())
    return isinstance(x, Symbol) or (isinstance(x, (list, tuple)) and any(isinstance(v, Symbol) for v in x))
