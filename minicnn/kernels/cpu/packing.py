"""Panels: the right matrix of a product, cut into parts as wide as a tile, in the layout that the microkernel reads.

In a plain matrix b (K, F) the next row begins F numbers later. In a panel the next row follows directly, and zeros fill
the columns that are missing in the last panel. GotoBLAS calls this "packing".
"""

from __future__ import annotations

import numpy as np
from numba import prange, types
from numba.extending import intrinsic

from . import workspace
from .compile import helper, kernel
from .emitter import Emitter, array_data
from .microkernel import VECTOR_BYTES, VECTORS


def tile_width(dtype) -> int:
    """The number of columns of a tile."""
    return VECTORS * (VECTOR_BYTES // np.dtype(dtype).itemsize)


def _make_lay_panel(through_relu):
    """The function that lays a panel. With `through_relu` it lays zeros where the ReLU's output y is not above zero."""

    @intrinsic
    def lay(typing_context, b, y, start, stride, depth, columns, panel, place):
        n = types.intp
        signature = types.void(b, y, n, n, n, n, panel, n)

        def codegen(context, builder, signature, args):
            bits = b.dtype.bitwidth
            emit = Emitter(builder, bits, VECTOR_BYTES * 8 // bits)
            b_data, y_data, target = (array_data(context, builder, signature, args, i) for i in (0, 1, 6))
            _, _, start, stride, depth, columns, _, place = args
            columns, target = emit.opaque(columns), emit.at(target, place)
            firsts = [j * emit.lanes for j in range(VECTORS)]
            masks = [emit.mask(columns, first) for first in firsts]
            with emit.repeat(depth) as row:
                source = builder.add(start, builder.mul(stride, row.index))
                to_row = emit.at(target, emit.times(VECTORS * emit.lanes, row.index))
                for first, mask in zip(firsts, masks, strict=True):
                    here = builder.add(source, emit.index(first))
                    vector = emit.load(emit.at(b_data, here), mask)
                    if through_relu:
                        passed = builder.fcmp_ordered(">", emit.load(emit.at(y_data, here), mask), emit.zero)
                        vector = builder.select(passed, vector, emit.zero)
                    emit.store(vector, emit.at(to_row, emit.index(first)), None)
            return context.get_dummy_value()

        return signature, codegen

    return lay


_lay_panel, _lay_panel_through_relu = _make_lay_panel(False), _make_lay_panel(True)


@helper
def lay_panel(b, start, stride, depth, columns, panel, place):
    """Copy `depth` rows of `columns` numbers, `stride` apart in b, into a panel; zeros fill the rest of a tile's width.

    A masked load is zero where its mask is not set, so whole and narrow panels take the same few instructions per row.
    With a loop over each row's vectors and another for the zeros, 32 x 784 times 784 x 512 takes 10 % longer.
    """
    _lay_panel(b, b, start, stride, depth, columns, panel, place)


@helper
def lay_panel_through_relu(b, y, start, stride, depth, columns, panel, place):
    """`lay_panel`, with zeros also where y is not above zero. y has the layout of b."""
    _lay_panel_through_relu(b, y, start, stride, depth, columns, panel, place)


@intrinsic
def sum_rows(typing_context, panel, place, depth, sums, start, columns, add):
    """sums[start:] = the sum of a panel's `depth` rows, for `columns` columns; with `add`, sums[start:] += this sum."""
    n = types.intp
    signature = types.void(panel, n, n, sums, n, n, n)

    def codegen(context, builder, signature, args):
        bits = panel.dtype.bitwidth
        emit = Emitter(builder, bits, VECTOR_BYTES * 8 // bits)
        source, target = (array_data(context, builder, signature, args, i) for i in (0, 3))
        _, place, depth, _, start, columns, add = args
        source, target, columns = emit.at(source, place), emit.at(target, start), emit.opaque(columns)
        totals = [emit.variable(emit.zero) for _ in range(VECTORS)]
        with emit.repeat(depth) as row:
            for j, total in enumerate(totals):
                number = builder.add(emit.times(VECTORS * emit.lanes, row.index), emit.index(j * emit.lanes))
                builder.store(builder.fadd(builder.load(total), emit.load(emit.at(source, number), None)), total)
        for j, total in enumerate(totals):
            mask, there = emit.mask(columns, j * emit.lanes), emit.at(target, emit.index(j * emit.lanes))
            so_far = builder.select(emit.splat(emit.is_set(add)), emit.load(there, mask), emit.zero)
            emit.store(builder.fadd(so_far, builder.load(total)), there, mask)
        return context.get_dummy_value()

    return signature, codegen


def in_panels(b, groups=1):
    """b (K, F) in panels as wide as a tile, for each group of F // groups columns: (groups, panels, K, width), flat."""
    (K, F), width = b.shape, tile_width(b.dtype)
    panels = workspace.empty((groups * -(-F // groups // width) * K * width,), b.dtype)
    _lay_panels.for_work(b.size)(b.reshape(-1), K, F, F // groups, panels)
    return panels


@kernel(parallel=True)
def _lay_panels(b, K, F, F_group, panels):
    width = VECTORS * (VECTOR_BYTES // b.itemsize)
    per_group = (F_group + width - 1) // width
    for panel in prange(panels.size // (K * width)):
        first = panel % per_group * width
        start, columns = panel // per_group * F_group + first, min(width, F_group - first)
        lay_panel(b, start, F, K, columns, panels, panel * K * width)
