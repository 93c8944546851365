"""Symbols and nodes, the parts of a model's graph. A symbol represents an array that does not exist yet."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import contextmanager

from .nest import flatten


class _Drawing(threading.local):
    def __init__(self):
        self.graphs: list = []


_drawing = _Drawing()


def drawing():
    """The graph that this thread is drawing (`layers/drawing.py`), or None."""
    return _drawing.graphs[-1] if _drawing.graphs else None


@contextmanager
def drawn_in(graph):
    """Within this block `drawing()` is this graph."""
    _drawing.graphs.append(graph)
    try:
        yield graph
    finally:
        _drawing.graphs.pop()


def _operators(name):
    """The two methods of an operator: for `symbol op other` and for `other op symbol`."""
    return (
        lambda self, other: Symbol.calculate(name, self, other),
        lambda self, other: Symbol.calculate(name, other, self),
    )


_OPERATORS_OF_NUMPY = {  # {NumPy's function: the operation}
    **{name: name for name in ("add", "subtract", "multiply", "divide", "power", "floor_divide", "matmul")},
    **{name: name for name in ("greater", "greater_equal", "less", "less_equal")}, "remainder": "mod",
}  # fmt: skip


class Symbol:
    """An array that does not exist yet: its shape (None for the batch), its type, and the node that will make it.

    Operators with numbers, arrays, variables and symbols, and an index in square brackets, return new symbols: each of
    them calls a layer. The functions of `minicnn.ops` do too.
    """

    calculate: Callable | None = None
    """(name of the operation, first, second) -> symbol; `layers/arithmetic.py` sets this function."""

    of: Callable | None = None
    """(symbol, variable, number or array; dtype) -> symbol; `layers/drawing.py` sets this function."""

    loss: Callable | None = None
    """(loss, y_true, y_pred, sample_weight) -> symbol; `layers/loss_rows.py` sets this function."""

    take: Callable | None = None
    """(symbol, index) -> symbol; `functions/places.py` sets this function."""

    def __init__(self, shape: tuple, dtype: str, node: Node | None = None, index: int = 0):
        self.shape = tuple(shape)
        self.dtype = dtype
        self.node = node
        self.index = index  # the position of this symbol among the node's outputs

    @property
    def name(self) -> str:
        """The name of the layer that makes this array, if it is in a graph."""
        return "" if self.node is None else self.node.layer.name

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    __add__, __radd__ = _operators("add")
    __sub__, __rsub__ = _operators("subtract")
    __mul__, __rmul__ = _operators("multiply")
    __truediv__, __rtruediv__ = _operators("divide")
    __pow__, __rpow__ = _operators("power")
    __floordiv__, __rfloordiv__ = _operators("floor_divide")
    __mod__, __rmod__ = _operators("mod")
    __matmul__, __rmatmul__ = _operators("matmul")
    __lt__, __gt__ = _operators("less")[0], _operators("greater")[0]
    __le__, __ge__ = _operators("less_equal")[0], _operators("greater_equal")[0]
    __and__, __rand__ = _operators("logical_and")
    __or__, __ror__ = _operators("logical_or")

    def __neg__(self):
        return Symbol.calculate("multiply", self, -1.0)

    def __abs__(self):
        return Symbol.calculate("absolute", self)

    def __invert__(self):
        return Symbol.calculate("equal", self, 0.0)

    def __eq__(self, other):
        """In a `call` or a loss: where the numbers are equal. Elsewhere: whether the other is this symbol."""
        if drawing() is None or not _has_numbers(other):
            return self is other
        return Symbol.calculate("equal", self, other)

    def __ne__(self, other):
        if drawing() is None or not _has_numbers(other):
            return self is not other
        return Symbol.calculate("not_equal", self, other)

    __hash__ = object.__hash__

    def __getitem__(self, key):
        return Symbol.take(self, key)

    def __iter__(self):
        if not self.shape or self.shape[0] is None:
            ask_for_sizes(self)
            raise TypeError(f"A symbol has no numbers yet, so it cannot be iterated over: {self!r}.")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self):
        if not self.shape or self.shape[0] is None:
            ask_for_sizes(self)
            raise TypeError(f"The length of a symbol is not known yet: {self!r}. In a layer's call it is known.")
        return self.shape[0]

    def _has_no_numbers(self, *_):
        raise TypeError(
            f"A symbol has no numbers yet, so Python cannot decide or count by them: {self!r}. In `call` choose by "
            "ops.where; or define forward and backward yourself, which get arrays (examples/your_own_layer.py)."
        )

    __bool__ = __float__ = __int__ = __index__ = numpy = _has_no_numbers

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        """array + symbol is the symbol's; NumPy's functions cannot compute with a symbol."""
        return Symbol.of_ufunc(ufunc, method, inputs, options)

    @staticmethod
    def of_ufunc(ufunc, method, inputs, options):
        """The symbol of an operator that NumPy was asked to compute. TypeError for NumPy's other functions."""
        name = _OPERATORS_OF_NUMPY.get(ufunc.__name__)
        if name is None or method != "__call__" or options:
            raise TypeError(
                f"NumPy's {ufunc.__name__} cannot compute with symbols, nor with variables within `call`: use the "
                "functions of minicnn.ops."
            )
        return Symbol.calculate(name, *inputs)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"A symbol has no numbers yet, so NumPy cannot compute with it: {self!r}. The functions of minicnn.ops can."
        )

    def __repr__(self):
        return f"<Symbol shape={self.shape}, dtype={self.dtype}, from layer {self.name!r}>"


class Node:
    """One call of a layer on symbols. A layer used twice has two nodes.

    `training` is the call's argument: True or False, or None to use the value of the model that runs. `number` tells
    in which order calls were made.
    """

    _numbers = itertools.count()

    def __init__(self, layer, inputs: list[Symbol], outputs: list[Symbol], training: bool | None = None):
        self.layer = layer
        self.inputs = inputs
        self.outputs = outputs
        self.training = training
        self.number = next(Node._numbers)
        for index, symbol in enumerate(outputs):
            symbol.node, symbol.index = self, index


def ask_for_sizes(symbol) -> None:
    """Tell the graph that is being drawn that its function needs a size which is not known (`kept_graphs.py`)."""
    if drawing() is not None and None in symbol.shape:
        drawing().asked = True


def _has_numbers(value):
    return isinstance(value, (Symbol, int, float)) or hasattr(value, "__array__")


def is_symbolic(x) -> bool:
    """Whether x is a symbol, or a nested structure with a symbol in it."""
    return any(isinstance(value, Symbol) for value in flatten(x))
