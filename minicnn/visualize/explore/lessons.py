"""What stands beside an operation on the page: its equation and its definition, taken from minicnn's own source."""

from __future__ import annotations

import inspect

from ...ops import (
    activation,
    avg_pool2d,
    batch_norm,
    conv2d,
    conv2d_transpose,
    dense,
    elementwise,
    global_pool2d,
    matrix_product,
    max_pool2d,
    merge,
    moves,
    reduce,
    rescale,
    resize,
    zero_pad2d,
)
from ...ops.avg_pool2d import loops as avg_pool2d_loops
from ...ops.batch_norm import loops as batch_norm_loops
from ...ops.conv2d import loops as conv2d_loops
from ...ops.conv2d_transpose import loops as conv2d_transpose_loops
from ...ops.dense import vectorized as dense_definition
from ...ops.global_pool2d import vectorized as global_pool2d_definition
from ...ops.matrix_product import vectorized as matrix_product_definition
from ...ops.max_pool2d import loops as max_pool2d_loops
from ...ops.resize import vectorized as resize_definition

_OPERATIONS = {  # operation: (its contract, the functions that define it, forward and backward)
    "conv2d": (conv2d, conv2d_loops.forward, conv2d_loops.backward),
    "conv2d_transpose": (conv2d_transpose, conv2d_transpose_loops.forward, conv2d_transpose_loops.backward),
    "dense": (dense, dense_definition.forward, dense_definition.backward),
    "max_pool2d": (max_pool2d, max_pool2d_loops.forward, max_pool2d_loops.backward),
    "avg_pool2d": (avg_pool2d, avg_pool2d_loops.forward, avg_pool2d_loops.backward),
    "global_pool2d": (
        global_pool2d,
        global_pool2d_definition.average_forward,
        global_pool2d_definition.average_backward,
    ),
    "global_pool2d maximum": (
        global_pool2d,
        global_pool2d_definition.maximum_forward,
        global_pool2d_definition.maximum_backward,
    ),
    "batch_norm": (batch_norm, batch_norm_loops.forward, batch_norm_loops.backward),
    "resize": (resize, resize_definition.forward, resize_definition.backward),
    "activation": (activation, None, None),
    "merge": (merge, None, None),
    "concatenate": (merge, None, None),
    "zero_pad2d": (zero_pad2d, None, None),
    "elementwise": (elementwise, None, None),
    "reduce": (reduce, None, None),
    "matrix_product": (matrix_product, matrix_product_definition.forward, matrix_product_definition.backward),
    "moves": (moves, None, None),
    "rescale": (rescale, None, None),
}


def lessons(network) -> dict:
    """{operation: {"equation": lines, "forward": lines, "backward": lines, "file": where they stand}}, for the
    operations of a network."""
    used = {operation["op"] for layer in network.layers for operation in layer["operations"]}
    return {name: _lesson(*parts) for name, parts in _OPERATIONS.items() if name.split()[0] in used}


def _lesson(contract, forward, backward):
    lesson = {"equation": _first_block(contract.__doc__), "file": contract.__name__.replace(".", "/")}
    for name, function in (("forward", forward), ("backward", backward)):
        if function is not None:
            lesson[name] = inspect.getsource(function).rstrip()
            lesson["file"] = function.__module__.replace(".", "/") + ".py"
    return lesson


def _first_block(text) -> str:
    """The first indented lines of a docstring."""
    lines = []
    for line in text.splitlines()[1:]:
        if line.startswith("    "):
            lines.append(line[4:])
        elif lines and line.strip():
            break
        elif lines:
            lines.append("")
    return "\n".join(lines).strip("\n").split("\n\n")[0]
