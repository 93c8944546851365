"""The nodes of a model's graph: symbols stand for arrays that do not exist yet."""

from __future__ import annotations


class Symbol:
    """The promise of an array: its shape, with None for the batch, its type, and the node that will make it."""

    def __init__(self, shape: tuple, dtype: str, node: Node | None = None):
        self.shape = tuple(shape)
        self.dtype = dtype
        self.node = node

    @property
    def name(self) -> str:
        """The name of the layer that makes this array."""
        return self.node.layer.name

    def __repr__(self):
        return f"<Symbol shape={self.shape}, dtype={self.dtype}, from layer {self.name!r}>"


class Node:
    """One call of a layer on symbols. A layer used twice has two nodes."""

    def __init__(self, layer, inputs: list[Symbol], output: Symbol):
        self.layer = layer
        self.inputs = inputs
        self.output = output
        output.node = self


def is_symbolic(x) -> bool:
    """Whether x is a symbol or a list of symbols."""
    return isinstance(x, Symbol) or (isinstance(x, (list, tuple)) and any(isinstance(v, Symbol) for v in x))
