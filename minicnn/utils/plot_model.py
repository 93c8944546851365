"""Draw a model as boxes and arrows, with matplotlib alone.

A box is one call of a layer. Its row is the length of the longest path from an input to it. In a row, boxes are sorted
so that each is near the boxes it reads from. A nested model is one box, or with expand_nested a frame around its boxes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ..figures import figure_class
from ..layers.base import Layer
from ..models import Model
from ..symbol import Symbol

_COLOURS = {  # {word in the layer's class name: colour}
    "Input": "#e8e8e8", "Conv": "#cfe3f7", "Dense": "#d8efd3", "Pooling": "#f9e0c7", "Normalization": "#eadcf4",
    "Dropout": "#f6d5d5",
}  # fmt: skip
_LETTER, _LINE = 0.075, 0.17  # inches: the width of a character, the height of a line of text
_GAP_ACROSS, _GAP_DOWN, _MARGIN = 0.35, 0.38, 0.12


@dataclass
class Box:
    """One call of a layer: its lines of text, its centre (x, y) and its size, in inches."""

    layer: Layer
    lines: list[str]
    sources: list[Box] = field(default_factory=list)
    frames: tuple[str, ...] = ()
    level: int = 0
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self):
        return max(len(line) for line in self.lines) * _LETTER + 2 * _MARGIN

    @property
    def height(self):
        return len(self.lines) * _LINE + 1.2 * _MARGIN


def plot_model(
    model,
    to_file="model.png",
    show_shapes=False,
    show_dtype=False,
    show_layer_names=False,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    show_layer_activations=False,
    show_trainable=False,
):
    """Draw a built model into a .png, .svg or .pdf file, and return the matplotlib figure.

    to_file=None writes no file. rankdir "TB" draws from top to bottom, "LR" from left to right.
    """
    if not (isinstance(model, Model) and model.built and model.inputs):
        raise ValueError(f"plot_model draws a built model; received {model!r}. Call build(input_shape), or fit, first.")
    if rankdir not in ("TB", "LR"):
        raise ValueError(f'rankdir must be "TB" (top to bottom) or "LR" (left to right); received {rankdir!r}.')
    shown = (show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)

    def text(layer, taken, made):
        return _lines(layer, taken, made, *shown)

    boxes = _boxes(model, text, expand_nested)
    _place(boxes, rankdir)
    figure = _drawn(boxes, rankdir)
    if to_file is not None:
        figure.savefig(os.fspath(to_file), dpi=dpi)
    return figure


def _lines(layer, taken, made, shapes, dtype, names, activations, trainable):
    """The text of a box: the layer's class (or name and class), then the lines chosen in `plot_model`."""
    kind = type(layer).__name__
    lines = [f"{layer.name} ({kind})" if names else kind]
    activation = getattr(layer, "activation", None)
    if activations and activation is not None:
        lines.append(f"activation: {activation.__name__}")
    if shapes:
        if taken:
            lines.append("in: " + ", ".join(str(symbol.shape) for symbol in taken))
        lines.append("out: " + ", ".join(str(symbol.shape) for symbol in made))
    if dtype:
        lines.append(f"dtype: {made[0].dtype}")
    if trainable and layer.weights:
        lines.append("trainable" if layer.trainable else "frozen")
    return lines


def _boxes(model, text, expand_nested) -> list[Box]:
    """All boxes of a model, each after the boxes it reads from."""
    boxes: list[Box] = []
    made = {id(symbol): _add_input(boxes, symbol, text) for symbol in model.inputs}
    _add_calls(model, made, boxes, (), text, expand_nested)
    return boxes


def _add_input(boxes, symbol, text):
    boxes.append(Box(symbol.node.layer, text(symbol.node.layer, [], [symbol])))
    return boxes[-1]


def _add_calls(model, made: dict[int, Box], boxes, frames, text, expand_nested):
    """Add boxes for the calls of a model. `made` is {id of symbol: box}; at first it holds the model's inputs."""
    for node in _calls(model):
        sources = [made[id(symbol)] for symbol in node.inputs]
        inner = node.layer
        if expand_nested and isinstance(inner, Model) and inner.inputs:
            within = dict(zip((id(symbol) for symbol in inner.inputs), sources, strict=True))
            _add_calls(inner, within, boxes, (*frames, inner.name), text, expand_nested)
            made.update((id(s), within[id(inside)]) for s, inside in zip(node.outputs, inner.outputs, strict=True))
            continue
        box = Box(inner, text(inner, node.inputs, node.outputs), sources, frames)
        box.level = 1 + max(source.level for source in sources)
        boxes.append(box)
        made.update((id(symbol), box) for symbol in node.outputs)


def _calls(model):
    """The calls between a model's inputs and outputs, in the order of computation."""
    found, stack, given = {}, list(model.outputs), {id(symbol) for symbol in model.inputs}
    while stack:
        symbol: Symbol = stack[-1]
        waiting = [s for s in symbol.node.inputs if id(s.node) not in found and id(s) not in given]
        if id(symbol) in given or id(symbol.node) in found or not waiting:
            stack.pop()
            if id(symbol) not in given:
                found[id(symbol.node)] = symbol.node
        else:
            stack += waiting
    return list(found.values())


def _place(boxes, rankdir):
    """Give every box its place: a centred row for each level, sorted by the places of the boxes' sources."""
    rows: dict[int, list[Box]] = {}
    for box in boxes:
        rows.setdefault(box.level, []).append(box)
    down = 0.0
    for level in sorted(rows):
        row = sorted(rows[level], key=lambda box: sum(s.x for s in box.sources) / max(len(box.sources), 1))
        along = [box.width if rankdir == "TB" else box.height for box in row]
        deep = max(box.height if rankdir == "TB" else box.width for box in row)
        start = -(sum(along) + _GAP_ACROSS * (len(row) - 1)) / 2
        for box, length in zip(row, along, strict=True):
            box.x, box.y = start + length / 2, down + deep / 2
            start += length + _GAP_ACROSS
        down += deep + _GAP_DOWN
    if rankdir == "LR":
        for box in boxes:
            box.x, box.y = box.y, box.x


def _drawn(boxes, rankdir):
    left, right = min(b.x - b.width / 2 for b in boxes), max(b.x + b.width / 2 for b in boxes)
    top, bottom = min(b.y - b.height / 2 for b in boxes), max(b.y + b.height / 2 for b in boxes)
    edge = 0.25 + 0.15 * max(len(box.frames) for box in boxes)
    if any(box.level - source.level > 1 for box in boxes for source in box.sources):
        edge += 0.35  # for arrows that pass beside boxes
    figure = figure_class()((right - left + 2 * edge, bottom - top + 2 * edge))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(left - edge, right + edge)
    axes.set_ylim(bottom + edge, top - edge)
    axes.axis("off")
    _draw_frames(axes, boxes)
    for box in boxes:
        for source in box.sources:
            between = [other for other in boxes if source.level < other.level < box.level]
            _draw_arrow(axes, source, box, between, rankdir)
    for box in boxes:
        _draw_box(axes, box)
    return figure


def _draw_box(axes, box):
    from matplotlib.patches import FancyBboxPatch

    kind = type(box.layer).__name__
    colour = next((colour for word, colour in _COLOURS.items() if word in kind), "#ffffff")
    corner = (box.x - box.width / 2, box.y - box.height / 2)
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(
        FancyBboxPatch(corner, box.width, box.height, style, facecolor=colour, edgecolor="#404040", zorder=2)
    )
    for i, line in enumerate(box.lines):
        y = box.y + (i - (len(box.lines) - 1) / 2) * _LINE
        weight = "bold" if i == 0 else "normal"
        axes.text(box.x, y, line, ha="center", va="center", family="monospace", size=8, weight=weight, zorder=3)


def _draw_arrow(axes, source, box, between, rankdir):
    """Draw an arrow between two boxes. If other boxes are in its way, the arrow bends around them."""
    if rankdir == "TB":
        begin, end = (source.x, source.y + source.height / 2), (box.x, box.y - box.height / 2)
        in_the_way = [other.width / 2 for other in between if abs(other.x - (begin[0] + end[0]) / 2) < other.width / 2]
    else:
        begin, end = (source.x + source.width / 2, source.y), (box.x - box.width / 2, box.y)
        in_the_way = [
            other.height / 2 for other in between if abs(other.y - (begin[1] + end[1]) / 2) < other.height / 2
        ]
    distance = ((end[0] - begin[0]) ** 2 + (end[1] - begin[1]) ** 2) ** 0.5
    bend = 2 * (max(in_the_way) + 0.3) / distance if in_the_way else 0  # an arc bends half as far as its control point
    arrow = {
        "arrowstyle": "-|>", "color": "#404040", "shrinkA": 0, "shrinkB": 0, "linewidth": 0.9,
        "connectionstyle": f"arc3,rad={bend}",
    }  # fmt: skip
    axes.annotate("", end, begin, arrowprops=arrow, zorder=1)


def _draw_frames(axes, boxes):
    """Draw a dashed frame, with the model's name, around the boxes of each nested model."""
    from matplotlib.patches import Rectangle

    nested = {box.frames[:depth] for box in boxes for depth in range(1, len(box.frames) + 1)}
    for frames in sorted(nested, key=len):
        within = [box for box in boxes if box.frames[: len(frames)] == frames]
        space = 0.15 * (1 + max(len(box.frames) for box in within) - len(frames))
        left, right = min(b.x - b.width / 2 for b in within) - space, max(b.x + b.width / 2 for b in within) + space
        top, bottom = min(b.y - b.height / 2 for b in within) - space, max(b.y + b.height / 2 for b in within) + space
        axes.add_patch(
            Rectangle(
                (left, top), right - left, bottom - top, fill=False, edgecolor="#707070", linestyle="--", zorder=0
            )
        )
        axes.text(left + 0.05, top + 0.07, frames[-1], size=7, style="italic", va="center", color="#505050", zorder=3)
