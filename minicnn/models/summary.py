"""The table of a model's layers, as Keras 3 draws it."""

from __future__ import annotations

import functools
import math
import shutil
import time

import numpy as np

from ..notebook import table
from ..printing import Page, can_redraw, say
from ..runtime import transfer


def print_summary(model, line_length, positions, print_fn, expand_nested, show_trainable, cost) -> None:
    """Print the table; see `Model.summary`. ValueError if the line is too short for the columns."""
    from rich.console import Console  # imported only here: minicnn starts without it
    from rich.markup import escape
    from rich.table import Column, Table

    columns, costs = _columns(model, show_trainable), _cost_columns(model) if cost else []
    default_length, default_positions = _line(_is_linear(model), show_trainable)
    room = 3 * (len(columns) + 1) + _COST_ROOM * len(costs) if costs else 0
    line_length = line_length or min(default_length + room, shutil.get_terminal_size().columns - 4)
    widths = _widths(positions or default_positions, line_length - room, len(columns))
    table = Table(
        *(Column(c.title, justify=c.justify, width=w) for c, w in zip(columns, widths, strict=True)),
        *(Column(c.title, justify=c.justify, width=_COST_WIDTH) for c in costs),
        width=line_length,
        show_lines=True,
    )
    for layer, depth in _rows(model, expand_nested):
        table.add_row(*(escape(c.cell(layer, depth)) for c in columns + costs))
    in_notebook = print_fn is None and Console().is_jupyter
    page = Page()
    plain = {"force_terminal": False, "color_system": None} if print_fn else {"force_terminal": can_redraw()}
    console = (
        Console(highlight=False) if in_notebook else Console(file=page, force_jupyter=False, highlight=False, **plain)
    )
    console.print(f'[bold]Model: "{escape(model.name)}"[/]')
    console.print(table)
    for title, count, size in _totals(model):
        console.print(f"[bold] {title}: [/]{count:,} ({_readable(size)})")
    if cost:
        totals = [sum(c.value(layer) for layer in model.layers_and_operations) for c in costs]
        console.print("[bold] Cost of one image: [/]{:.3f} MFLOPs, {:.3f} MB of outputs, {:.3f} ms".format(*totals))
    if not in_notebook:
        (print_fn or functools.partial(say, end=""))(page.getvalue())


def summary_html(model) -> str:
    """The table as HTML, for notebooks."""
    columns = _columns(model, show_trainable=False)
    rows = [[c.cell(layer, depth) for c in columns] for layer, depth in _rows(model, expand_nested=True)]
    notes = [f"{title}: {count:,} ({_readable(size)})" for title, count, size in _totals(model)]
    return table(f'Model: "{model.name}"', [c.title for c in columns], rows, notes)


class _Column:
    """A column of the table: its title, its alignment, and the function that gives the text of a layer's cell."""

    def __init__(self, title, justify, cell):
        self.title, self.justify, self.cell = title, justify, cell


class _CostColumn(_Column):
    """A column of numbers: `value(layer)` for each layer."""

    def __init__(self, title, value):
        super().__init__(title, "right", lambda layer, depth: _number(value(layer)))
        self.value = value


_COST_WIDTH = 6  # characters of a number
_COST_ROOM = _COST_WIDTH + 3  # with the spaces and the line beside it


def _columns(model, show_trainable):
    columns = [
        _Column("Layer (type)", "left", _name),
        _Column("Output Shape", "left", lambda layer, depth: _shape(layer)),
        _Column("Param #", "right", lambda layer, depth: _parameters(layer)),
    ]
    if not _is_linear(model):
        columns.append(_Column("Connected to", "left", lambda layer, depth: _connections(model, layer)))
    if show_trainable:
        columns.append(_Column("Trainable", "center", lambda layer, depth: _trainable(layer)))
    return columns


def _cost_columns(model):
    milliseconds = _milliseconds(model)
    return [
        _CostColumn("MFLOPs", lambda layer: sum(layer.flops(_shape_in(call)) for call in _calls(model, layer)) / 1e6),
        _CostColumn("Out MB", lambda layer: sum(_output_bytes(call) for call in _calls(model, layer)) / 1e6),
        _CostColumn("ms", lambda layer: milliseconds.get(id(layer), 0.0)),
    ]


def _line(linear, show_trainable):
    """(length, positions): characters in a line, and the columns' ends as shares of the line. Keras's numbers."""
    length, positions = (88, [0.45, 0.80, 1.0]) if linear else (108, [0.3, 0.56, 0.74, 1.0])
    if show_trainable:
        length, positions = length + 12, [p * 0.9 for p in positions] + [1.0]
    return length, positions


def _widths(positions, line_length, count):
    """The columns' widths, for ends given as shares of the line or as numbers of characters. As in Keras, ends beyond
    the last column have no effect."""
    ends = [int(p * line_length) if p <= 1 else int(p) for p in positions[:count]]
    widths = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    if len(widths) != count or min(widths) < 4:
        raise ValueError(
            f"The summary needs {count} columns of at least 4 characters; positions {list(positions)} of a line of "
            f"{line_length} characters give widths {widths}."
        )
    return widths


def _rows(model, expand_nested, depth=0):
    for layer in model.layers_and_operations:
        yield layer, depth
        if expand_nested and hasattr(layer, "layers"):
            yield from _rows(layer, expand_nested, depth + 1)


def _is_linear(model):
    """Whether the layers form one chain in which no layer comes twice."""
    if getattr(model, "plan", None) is None:
        return True
    steps = model.plan.steps
    inputs = [slot for step in steps for slot in step.inputs]
    once = len({id(step.layer) for step in steps}) == len(steps)
    return once and len(set(inputs)) == len(inputs) and all(len(step.inputs) == 1 for step in steps)


def _name(layer, depth):
    return ("   " * depth + "└ " if depth else "") + f"{layer.name} ({type(layer).__name__})"


def _shape(layer):
    if layer._nodes:
        made = [symbol.shape for symbol in layer._nodes[-1].outputs]
    elif layer._built_for:  # within a `call`
        made = layer.compute_output_shape(layer._built_for)
        made = [(None, *shape[1:]) for shape in (made if layer.gives_several else [made])]
    else:
        return "?"
    shapes = [f"({', '.join(str(size) for size in shape)})" for shape in made]
    return shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"


def _parameters(layer):
    return f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"


def _connections(model, layer):
    """What the layer reads in this model: "conv2d[0][0], ...", with the numbers of the call and of its output."""
    names = []
    for node in model.plan.nodes:
        if node.layer is layer:
            names += [f"{s.name}[{s.node.layer._nodes.index(s.node)}][{s.index}]" for s in node.inputs]
    return ", ".join(names) or "-"


def _trainable(layer):
    return "-" if not layer.weights else "Y" if layer.trainable else "N"


def _calls(model, layer):
    """The nodes at which this model calls the layer: one for each use of the layer, none for an input layer."""
    if getattr(model, "plan", None) and any(node.layer is layer for node in model.plan.nodes):
        return [node for node in model.plan.nodes if node.layer is layer]
    return [node for node in layer._nodes[:1] if node.inputs]


def _shape_in(call):
    shapes = [symbol.shape for symbol in call.inputs]
    return shapes if call.layer.takes_several else shapes[0]


def _output_bytes(call):
    return sum(
        math.prod(size or 1 for size in symbol.shape[1:]) * np.dtype(symbol.dtype).itemsize for symbol in call.outputs
    )


def _number(value):
    """A number in at most six characters, up to a hundred thousand.

    >>> [_number(v) for v in (0, 2e-5, 0.0451, 27.09, 61234.5)]
    ['0', '<0.001', '0.045', '27.1', '61,234']
    """
    if value == 0:
        return "0"
    if value < 0.001:
        return "<0.001"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def _milliseconds(model, batch=32, repeats=5):
    """Milliseconds per image of each layer's forward pass in inference: the median of `repeats` on a batch of 32."""
    rng = np.random.default_rng(0)
    results = {}
    for layer, _ in _rows(model, expand_nested=True):
        for call in _calls(model, layer):
            shapes = [(batch, *(size or 32 for size in symbol.shape[1:])) for symbol in call.inputs]
            arrays = [rng.random(shape).astype(layer.dtype) for shape in shapes]
            arrays = [transfer.to_device(array) for array in arrays]
            x, times = arrays if layer.takes_several else arrays[0], []
            for _ in range(repeats + 1):
                started = time.perf_counter()
                transfer.to_host(layer.forward(x, training=False, need_saved=False)[0])
                times.append(time.perf_counter() - started)
            results[id(layer)] = results.get(id(layer), 0.0) + float(np.median(times[1:])) * 1e3 / batch
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
    return sum(v.array.size for v in variables), sum(v.array.nbytes for v in variables)


def _readable(size):
    """A number of bytes, written in the largest unit that makes it at least 1.

    >>> _readable(320), _readable(1_334_104)
    ('320.00 B', '1.27 MB')
    """
    units = ["B", "KB", "MB", "GB", "TB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.2f} {units[0]}"
