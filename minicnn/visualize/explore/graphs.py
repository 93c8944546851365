"""Graphs of functions as operations that the page computes: layers that define `call`, and functions as activations.

Arrays of the page have no batch axis. In a graph, what comes from the layer's inputs has one; weights and constants,
and what is made of these alone, have none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...layers.arithmetic import Arithmetic
from ...layers.drawing import ConstantSource, VariableSource
from ...layers.merge import Concatenate
from ...layers.operations import ACTIVATIONS, Cast, ConvolutionBy, Elementwise, Matmul, Reduction, StopGradient, Where
from ...layers.places import Rearrangement, View
from ...shapes import window
from .operation import SAME, Operation, moves


class _Array(NamedTuple):
    """An array in a graph. place: of the operation that makes it; of an input of the layer ~number, below zero.
    shape: with the batch axis, if it has one. weight: the variable or array whose numbers these are, or None."""

    place: int
    shape: tuple
    has_batch: bool
    weight: object = None

    @property
    def in_page(self) -> tuple:
        return tuple(self.shape[1:] if self.has_batch else self.shape)


def operations_of_graph(graph, shapes, operations_of) -> list[Operation] | None:
    """The operations of a graph's first output, for inputs of these shapes; None if the page does not know one of them.
    operations_of: the same for a layer."""
    inputs = [_Array(~i, tuple(shape), True) for i, shape in enumerate(shapes)]
    found = _run(graph.plan, inputs, [], operations_of)
    if found is None:  # the axis of the batch changes its place: it stays in all arrays, with the size 1 of one image
        whole = [(1, *shape[1:]) for shape in shapes]
        first = [Operation("reshape", {"shape": list(shape)}, reads=(~i,)) for i, shape in enumerate(whole)]
        found = _run(graph.plan, [_Array(i, shape, False) for i, shape in enumerate(whole)], first, operations_of)
    return found


def operations_of_function(layer, shapes) -> list[Operation] | None:
    """The operations of a function that is called in a model: of a layer in `FUNCTIONS`."""
    xs = [_Array(~i, tuple(shape), True) for i, shape in enumerate(shapes)]
    made = layer.compute_output_shape([x.shape for x in xs] if layer.takes_several else xs[0].shape)
    return _MAKERS[type(layer)](layer, xs, _Array(0, tuple(made), True))


def _run(plan, inputs, made, operations_of):
    """The operations `made`, and then those of a plan for these arrays."""
    arrays, end = dict(zip(plan.input_slots, inputs, strict=True)), plan.output_slots[0]
    for step in _needed(plan.steps, end):
        xs, layer = [arrays[slot] for slot in step.inputs], step.layer
        given = [x.shape for x in xs]
        y = _Array(0, tuple(layer.compute_output_shape(given if step.takes or not given else given[0])), False)
        y = y._replace(has_batch=any(x.has_batch for x in xs))
        operations = _operations_of_step(step, xs, y, operations_of)
        if operations is None or step.gives:
            return None
        first, places = len(made), [x.place for x in xs]
        made += [_placed(operation, i, first, places, y.in_page) for i, operation in enumerate(operations)]
        kept = getattr(layer, "variable", getattr(layer, "value", None)) if not xs else None
        arrays[step.outputs[0]] = y._replace(
            place=len(made) - 1, weight=xs[0].weight if type(layer) is View and not y.has_batch else kept
        )
    last = arrays[end]
    if any(x.has_batch for x in inputs) and not last.has_batch:
        return None
    shape = list(last.shape[1:])
    if last.place != len(made) - 1 or not made or not last.has_batch:
        made = [*made, SAME._replace(settings={"shape": shape}, reads=(last.place,))]
    return made


def _operations_of_step(step, xs, y, operations_of):
    layer = step.layer
    maker = _MAKERS.get(type(layer))
    if maker:
        return maker(layer, xs, y)
    if step.training or step.gives or any(x.shape[:1] != (1,) and not x.has_batch for x in xs):
        return None
    operations = operations_of(layer, [x.shape for x in xs])
    if operations is None or y.has_batch:
        return operations
    own = [Operation("reshape", {"shape": list(x.shape[1:])}, reads=(~i,)) for i, x in enumerate(xs)]
    places, shape = list(range(len(own))), y.shape[1:]
    return [*own, *(_placed(operation, i, len(own), places, shape) for i, operation in enumerate(operations)), SAME]


def _needed(steps, end):
    """The steps of which this slot is made."""
    needed, kept = {end}, []
    for step in reversed(steps):
        if not needed.isdisjoint(step.outputs):
            needed.update(step.inputs)
            kept.append(step)
    return kept[::-1]


def _placed(operation, number, first, inputs, shape):
    """An operation of one step among those of the whole graph: with its own shape, reading numbers of the graph."""
    reads = operation.reads
    if reads is None:
        reads = tuple(~i for i in range(len(inputs))) if number == 0 else (number - 1,)
    reads = tuple(inputs[~place] if place < 0 else first + place for place in reads)
    return operation._replace(settings={"shape": list(shape), **operation.settings}, reads=reads)


def after(operations, graph, shape, operations_of) -> list[Operation] | None:
    """These operations, and then those of a graph for their result, an array of this shape."""
    more = operations_of_graph(graph, [shape], operations_of)
    if more is None:
        return None
    count, shape = len(operations), list(shape[1:])
    own = [operation._replace(settings={"shape": shape, **operation.settings}) for operation in operations]
    return [*own, *(_placed(operation, i, count, [count - 1], shape) for i, operation in enumerate(more))]


def _source(layer, xs, y):
    held = layer.variable if type(layer) is VariableSource else np.asarray(layer.value, np.float32)
    return [Operation("source", {}, {"value": held})]


def _view(layer, xs, y):
    if y.has_batch:
        try:
            if not layer.keeps_images(xs[0].shape):
                return None
        except ValueError:  # the new shape holds for one image only
            return None
    return [SAME]


def _rearrangement(layer, xs, y):
    (x,) = xs
    table = layer.table_of_image((1, *x.shape[1:])) if x.has_batch else layer.table_of_all(x.shape)
    return None if table is None else moves(table[0].index, layer.fill, table[1])


def _elementwise(layer, xs, y):
    if layer.operation in ACTIVATIONS:
        return [Operation("activation", {"function": ACTIVATIONS[layer.operation], "parameter": 0.0})]
    return [Operation("elementwise", {"function": layer.operation})]


def _cast(layer, xs, y):
    kind = np.dtype(layer.to).kind
    if kind == "b":
        return [Operation("merge", {"kind": "not_equal"}, {"constant": np.zeros((1,) * len(y.in_page), np.float32)})]
    return [Operation("elementwise", {"function": "trunc"})] if kind in "iu" else [SAME]


def _stop_gradient(layer, xs, y):
    return [Operation("elementwise", {"function": "stop_gradient"})]


def _reduction(layer, xs, y):
    (x,) = xs
    axes = layer.axes(len(x.shape))
    if (x.has_batch and 0 in axes) or layer.operation in ("any", "all"):
        return None  # images are mixed, or it is a question about numbers
    return [Operation("reduce", {"kind": layer.operation, "axes": [axis - x.has_batch for axis in axes]})]


def _arithmetic(layer, xs, y):
    settings, rank = {"kind": layer.operation}, len(y.in_page)
    if layer.constant is None:
        return _merge(settings, xs, y)
    constant = np.asarray(layer.constant, np.float32)
    if y.has_batch and constant.ndim == len(y.shape):
        constant = constant[0]  # without its batch axis of size 1
    constant = constant.reshape((1,) * (rank - constant.ndim) + constant.shape)
    return [Operation("merge", {**settings, "constant_first": layer.constant_first}, {"constant": constant})]


def _where(layer, xs, y):
    return _merge({"kind": "where"}, xs, y)


def _merge(settings, xs, y):
    """Arrays merged number by number, after those with fewer axes got axes of size 1."""
    operations, reads = [], []
    for i, x in enumerate(xs):
        shape = _aligned(x, y)
        if shape is None:
            return None
        if shape != x.in_page:
            operations.append(Operation("reshape", {"shape": list(shape)}, reads=(~i,)))
        reads.append(~i if shape == x.in_page else len(operations) - 1)
    return [*operations, Operation("merge", settings, reads=tuple(reads))]


def _aligned(x, y) -> tuple | None:
    """The shape in which x is merged into y, without the batch axis. None if the axis of images meets another one."""
    shape = x.shape
    if x.has_batch and len(shape) != len(y.shape):
        return None
    if y.has_batch and len(shape) == len(y.shape):
        if not x.has_batch and shape[0] != 1:
            return None
        shape = shape[1:]
    return (1,) * (len(y.in_page) - len(shape)) + tuple(shape)


def _matmul(layer, xs, y):
    before = [x.in_page[:-2] for x in xs]
    rows_are_images = xs[0].has_batch and len(xs[0].shape) == 2 and xs[1].has_batch
    if rows_are_images or (before[0] != before[1] and before[0] and before[1]):
        return None
    return [Operation("matrix_product")]


def _concatenate(layer, xs, y):
    axis = layer.axis % len(y.shape)
    if len({x.has_batch for x in xs}) > 1 or (y.has_batch and axis == 0):
        return None
    return [Operation("concatenate", {"axis": axis - y.has_batch})]


def _convolution_by(layer, xs, y):
    """A convolution whose kernel is a weight."""
    x, kernel = xs
    if kernel.weight is None or not x.has_batch or layer.kind == "conv_transpose":
        return None
    KH, KW, C, _ = kernel.shape
    win = window(x.shape[1], x.shape[2], (KH, KW), layer.strides, layer.padding, layer.dilation)
    groups, channels = (x.shape[3] // C, C) if layer.kind == "conv" else (C, 1)
    settings = {"window": win._asdict(), "groups": groups, "channels": channels}
    return [Operation("conv2d", settings, {"kernel": kernel.weight}, reads=(~0,))]


_MAKERS = {
    VariableSource: _source, ConstantSource: _source, View: _view, Rearrangement: _rearrangement,
    Elementwise: _elementwise, Cast: _cast, StopGradient: _stop_gradient, Reduction: _reduction,
    Arithmetic: _arithmetic, Where: _where, Matmul: _matmul, Concatenate: _concatenate, ConvolutionBy: _convolution_by,
}  # fmt: skip
FUNCTIONS = set(_MAKERS) - {VariableSource, ConstantSource}
"""The kinds of layers that functions are in a graph."""
