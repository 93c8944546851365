"""One step of the page's network."""

from __future__ import annotations

from typing import NamedTuple


class Operation(NamedTuple):
    """op: its name in `ops/`. settings: what it is told. weights: arrays, or the variables that hold them, by their
    names in Keras. reads: the places of the operations of the same layer whose results it reads, or ~i for the layer's
    input i; None for the operation before it, and for all inputs if it is the first.
    """

    op: str
    settings: dict = {}  # noqa: RUF012 - never changed in place
    weights: dict = {}  # noqa: RUF012
    reads: tuple | None = None


SAME = Operation("reshape")
_LONGEST_INDEX = 20_000  # numbers, which are text in the page


def moves(index, fill, shape) -> list[Operation] | None:
    """Numbers in other places. None if they are too many for the page."""
    if index.size > _LONGEST_INDEX:
        return None
    return [Operation("moves", {"index": index.reshape(-1).tolist(), "fill": fill, "shape": list(shape)})]
