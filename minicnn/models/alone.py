"""Whether a model computes each image by itself: then a large batch may be computed in parts, which fit the cache."""

from __future__ import annotations

from ..layers.arithmetic import Arithmetic
from ..layers.drawing import AddLoss, WriteVariable
from ..layers.merge import Concatenate
from ..layers.operations import ConvolutionBy, Logical, Matmul, Reduction, Where
from ..layers.parent import AsParent
from ..layers.places import Rearrangement, View

_BROADCASTS = (Arithmetic, Logical, Matmul, Where)


def keeps_images_apart(layer, shapes) -> bool:
    """Whether a layer or model does not mix the images of a batch. shapes: of its inputs, with the batch first."""
    return _alone(layer, [True] * len(shapes), [tuple(shape) for shape in shapes])


def _in_graph(plan, shapes):
    """The same for a graph. Its weights and constants have no images."""
    shapes, with_images = plan.slot_shapes(shapes), set(plan.input_slots)
    for step in plan.steps:
        reads = [slot in with_images for slot in step.inputs]
        if not _alone(step.layer, reads, [shapes[slot] for slot in step.inputs]):
            return False
        if any(reads):
            with_images.update(step.outputs)
    return True


def _in_row(layers, shape):
    """The same for layers in a row."""
    for layer in layers:
        if not _alone(layer, [True], [shape]):
            return False
        shape = tuple(layer.compute_output_shape(shape))
    return True


def _alone(layer, reads, shapes) -> bool:
    """The same for one step. reads: for each input whether it has images."""
    if isinstance(layer, (AddLoss, WriteVariable, AsParent)):
        return False
    if not any(reads):
        return True
    if layer._draws:
        drawn = layer.drawn_for(shapes, False)
        return not drawn.asked and _in_graph(drawn.plan, shapes)
    if getattr(layer, "plan", None):
        return _in_graph(layer.plan, shapes)
    if hasattr(layer, "layers"):
        return _in_row(layer.layers, shapes[0])
    if isinstance(layer, Reduction):
        return 0 not in layer.axes(len(shapes[0]))
    if isinstance(layer, (Rearrangement, View)):
        return layer.keeps_images(shapes[0])
    if isinstance(layer, _BROADCASTS) and len(shapes) > 1:
        most = max(len(shape) for shape in shapes)
        first = all(len(shape) == most for shape, has in zip(shapes, reads, strict=True) if has)
        return first and not (isinstance(layer, Matmul) and reads[1] and most == 2)
    if isinstance(layer, ConvolutionBy):
        return not reads[1]
    return not isinstance(layer, Concatenate) or layer.axis % len(shapes[0]) != 0
