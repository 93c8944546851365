"""The graphs that a `call` or a loss has drawn, one for each shape of its inputs.

A graph holds for any size of the batch, so the batch is None in it. A function that asks for a size that is None
(`ops.shape(x)[0]`) is drawn again for every size that comes, as then each size is a number.
"""

from __future__ import annotations

from .nest import flatten

_MOST = 16  # graphs that are kept
_STAND_INS = 96, 144  # sizes for those that are not known yet; most numbers of equal parts divide both


class _Failed:
    """What is kept of a drawing that failed after it had asked for an unknown size."""

    asked = True


def graph_for(graphs: dict, draw, shapes, *rest):
    """The graph draw(shapes, *rest): one of `graphs`, or a new one, which is kept there. Its attribute `asked` says
    whether it holds for these sizes only; in shapes that are not known it was drawn for stand-ins."""
    shapes = [tuple(shape) for shape in shapes]
    drawn = _for_any_batch(graphs, draw, shapes, *rest)
    if not drawn.asked:
        return drawn
    if None in flatten(shapes):
        return kept(graphs, draw, _with_size(shapes, _STAND_INS[0]), *rest) if type(drawn) is _Failed else drawn
    return kept(graphs, draw, tuple(shapes), *rest)


def shapes_of_outputs(graphs: dict, draw, shapes, *rest) -> list[tuple]:
    """The shapes of the graph's outputs; sizes that follow from unknown ones are None."""
    if not _for_any_batch(graphs, draw, shapes, *rest).asked or None not in flatten([list(shape) for shape in shapes]):
        return graph_for(graphs, draw, shapes, *rest).output_shapes(shapes)
    found = []
    for size in _STAND_INS:
        known = _with_size(shapes, size)
        found.append(graph_for(graphs, draw, known, *rest).output_shapes(known))
    return [tuple(a if a == b else None for a, b in zip(*pair, strict=True)) for pair in zip(*found, strict=True)]


def _for_any_batch(graphs, draw, shapes, *rest):
    return kept(graphs, draw, tuple((None, *shape[1:]) if shape else () for shape in shapes), *rest)


def _with_size(shapes, unknown):
    return tuple(tuple(unknown if size is None else size for size in shape) for shape in shapes)


def kept(graphs: dict, draw, *key):
    """The graph draw(*key): one of `graphs`, or a new one, which is kept there."""
    drawn = graphs.get(key)
    if drawn is None:
        if len(graphs) >= _MOST:
            del graphs[next(iter(graphs))]
        try:
            drawn = draw(*key)
        except (TypeError, ValueError) as error:
            if not getattr(error, "asked", False):
                raise
            drawn = _Failed()
        graphs[key] = drawn
    return drawn
