"""The table of a model's layers, as Keras 3 draws it."""

from __future__ import annotations

import math
import shutil
import time

import numpy as np


def print_summary(model, line_length, positions, print_fn, expand_nested, show_trainable, cost) -> None:
    """Print the table; see `Model.summary`. ValueError if the line is too short for the columns."""
    from rich.console import Console  # not at import: minicnn starts without it
    from rich.markup import escape
    from rich.table import Column, Table

    columns = _columns(model, show_trainable, cost)
    line_length = line_length or min(sum(c.room for c in columns), shutil.get_terminal_size().columns - 4)
    widths = _widths(columns, line_length, positions)
    table = Table(
        *(Column(c.title, justify=c.justify, width=w) for c, w in zip(columns, widths, strict=True)),
        width=line_length,
        show_lines=True,
    )
    for layer, depth in _rows(model, expand_nested):
        table.add_row(*(escape(c.cell(layer, depth)) for c in columns))
    console = Console(highlight=False, **({"force_terminal": False, "color_system": None} if print_fn else {}))
    if print_fn:
        console.begin_capture()
    console.print(f'[bold]Model: "{escape(model.name)}"[/]')
    console.print(table)
    for title, count, size in _totals(model):
        console.print(f"[bold] {title}: [/]{count:,} ({_readable(size)})")
    if print_fn:
        print_fn(console.end_capture())


class _Column:
    """A column of the table: its title, the room it takes on an unlimited line, and what stands in a layer's cell."""

    def __init__(self, title, room, justify, cell):
        self.title, self.room, self.justify, self.cell = title, room, justify, cell


def _columns(model, show_trainable, cost):
    linear = _is_linear(model)
    columns = [
        _Column("Layer (type)", 39 if linear else 32, "left", _name),
        _Column("Output Shape", 31 if linear else 28, "left", lambda layer, depth: _shape(layer)),
        _Column("Param #", 18 if linear else 20, "right", lambda layer, depth: _parameters(layer)),
    ]
    if not linear:
        columns.append(_Column("Connected to", 28, "left", lambda layer, depth: _connections(model, layer)))
    if show_trainable:
        columns.append(_Column("Trainable", 12, "center", lambda layer, depth: _trainable(layer)))
    if cost:
        milliseconds = _milliseconds(model)
        columns += [
            _Column("MFLOPs", 12, "right", lambda layer, depth: _number(_flops(layer) / 1e6)),
            _Column("Out MB", 11, "right", lambda layer, depth: _number(_output_bytes(layer) / 1e6)),
            _Column("ms", 10, "right", lambda layer, depth: _number(milliseconds.get(id(layer), 0.0))),
        ]
    return columns


def _widths(columns, line_length, positions):
    """The columns' widths: the line shared by `positions` (shares of the line, increasing), or as the rooms are."""
    if positions is None:
        total, ends = sum(c.room for c in columns), np.cumsum([c.room for c in columns])
        positions = [round(float(end / total), 2) for end in ends[:-1]] + [1.0]
    ends = [int(p * line_length) if p <= 1 else int(p) for p in positions]
    widths = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    if min(widths) < 4:
        raise ValueError(f"A line of {line_length} characters is too short for the summary's {len(columns)} columns.")
    return widths


def _rows(model, expand_nested, depth=0):
    for layer in model.layers:
        yield layer, depth
        if expand_nested and hasattr(layer, "layers"):
            yield from _rows(layer, expand_nested, depth + 1)


def _is_linear(model):
    """Whether the layers form one chain in which none comes twice."""
    if not hasattr(model, "plan"):
        return True
    steps = model.plan.steps
    inputs = [slot for step in steps for slot in step.inputs]
    once = len({id(step.layer) for step in steps}) == len(steps)
    return once and len(set(inputs)) == len(inputs) and all(len(step.inputs) == 1 for step in steps)


def _name(layer, depth):
    return ("   " * depth + "└ " if depth else "") + f"{layer.name} ({type(layer).__name__})"


def _shape(layer):
    if not layer._nodes:
        return "?"
    return f"({', '.join(str(size) for size in layer._nodes[-1].output.shape)})"


def _parameters(layer):
    return f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"


def _connections(model, layer):
    """What the layer reads in this model: "conv2d[0][0], ..." with the numbers of the call and of the output."""
    names = []
    for node in model.plan.nodes:
        if node.layer is layer:
            names += [f"{s.node.layer.name}[{s.node.layer._nodes.index(s.node)}][0]" for s in node.inputs]
    return ", ".join(names) or "-"


def _trainable(layer):
    return "-" if not layer.weights else "Y" if layer.trainable else "N"


def _flops(layer):
    return layer.flops(_input_shape(layer)) if layer._nodes and layer._nodes[0].inputs else 0


def _input_shape(layer):
    shapes = [symbol.shape for symbol in layer._nodes[0].inputs]
    return shapes if layer.takes_several else shapes[0]


def _output_bytes(layer):
    if not layer._nodes:
        return 0
    return math.prod(size or 1 for size in layer._nodes[-1].output.shape[1:]) * np.dtype(layer.dtype).itemsize


def _number(value):
    return "0" if value == 0 else f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def _milliseconds(model, batch=32, repeats=5):
    """Milliseconds per image of each layer's forward pass in inference: the median of `repeats` on a batch of 32."""
    rng = np.random.default_rng(0)
    results = {}
    for layer, _ in _rows(model, expand_nested=True):
        if not layer._nodes or not layer._nodes[0].inputs:
            continue
        shapes = [(batch, *(size or 32 for size in symbol.shape[1:])) for symbol in layer._nodes[0].inputs]
        arrays = [rng.random(shape).astype(layer.dtype) for shape in shapes]
        x, times = arrays if layer.takes_several else arrays[0], []
        for _ in range(repeats + 1):
            started = time.perf_counter()
            layer.forward(x, training=False, need_saved=False)
            times.append(time.perf_counter() - started)
        results[id(layer)] = float(np.median(times[1:])) * 1e3 / batch
    return results


def _totals(model):
    trainable, frozen = _count(model.trainable_weights), _count(model.non_trainable_weights)
    optimizer = (0, 0)
    if model.compiled and model.optimizer.iterations:
        memories = [a for memory in model.optimizer._memories.values() for a in memory.values()]
        # Keras counts the iteration counter and the learning rate as well
        optimizer = (sum(a.size for a in memories) + 2, sum(a.nbytes for a in memories) + 12)
    yield "Total params", *(sum(parts) for parts in zip(trainable, frozen, optimizer, strict=True))
    yield "Trainable params", *trainable
    yield "Non-trainable params", *frozen
    if optimizer[0]:
        yield "Optimizer params", *optimizer


def _count(variables):
    return sum(v.value.size for v in variables), sum(v.value.nbytes for v in variables)


def _readable(size):
    """Bytes in the largest unit that leaves at least one.

    >>> _readable(320), _readable(1_334_104)
    ('320.00 B', '1.27 MB')
    """
    units = ["B", "KB", "MB", "GB", "TB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.2f} {units[0]}"
