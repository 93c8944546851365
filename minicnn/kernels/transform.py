"""A small block of pixels between two constant matrices, for many channels at once: y = M x M^T.

This is the one building block of the Winograd convolution (`ops/conv2d/winograd.py`), whose transforms differ
only in M. Channels lie side by side in memory, so a vector holds the same pixel of `lanes` channels, and M x M^T
becomes additions of whole vectors. M is known when the code is made: a zero costs nothing, a one no multiplication.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .emitter import Emitter, array_data
from .microkernel import VECTOR_BYTES


def make_transform(matrix: np.ndarray, vector_bytes: int = VECTOR_BYTES):
    """For a constant matrix M (S, R), a function that kernels can call:

    transform(x, x_start, x_row, x_col, y, y_start, y_row, y_col, count)

    x and y are flat arrays of one float type. For lane = 0 .. count-1 the block x[x_start + i*x_row + j*x_col + lane],
    i and j < R, is turned into y[y_start + i*y_row + j*y_col + lane], i and j < S.
    """
    M = np.asarray(matrix).tolist()
    S, R = len(M), len(M[0])

    @intrinsic
    def transform(typing_context, x, x_start, x_row, x_col, y, y_start, y_row, y_col, count):
        n = types.intp
        signature = types.void(x, n, n, n, y, n, n, n, n)
        bits = x.dtype.bitwidth
        lanes = vector_bytes * 8 // bits

        def codegen(context, builder, signature, args):
            emit = Emitter(builder, bits, lanes)
            _, x_start, x_row, x_col, _, y_start, y_row, y_col, count = args
            x, y = (array_data(context, builder, signature, args, position) for position in (0, 4))
            x, y = emit.at(x, x_start), emit.at(y, y_start)

            def at(pointer, i, row, j, col, lane):
                offset = builder.add(builder.mul(emit.index(i), row), builder.mul(emit.index(j), col))
                return emit.at(pointer, builder.add(offset, lane))

            def block(lane, mask):
                pixels = [[emit.load(at(x, i, x_row, j, x_col, lane), mask) for j in range(R)] for i in range(R)]
                half = [[emit.sum_of_multiples(M[i], column) for column in zip(*pixels, strict=True)] for i in range(S)]
                for i in range(S):
                    for j in range(S):
                        emit.store(emit.sum_of_multiples(M[j], half[i]), at(y, i, y_row, j, y_col, lane), mask)

            # whole vectors of channels, then a masked one for the rest
            before = builder.block
            check, whole, rest, done = (
                builder.append_basic_block(name) for name in ("lanes_left", "whole_vector", "rest", "transformed")
            )
            builder.branch(check)
            builder.position_at_end(check)
            lane = builder.phi(ir.IntType(64))
            lane.add_incoming(emit.index(0), before)
            following = builder.add(lane, emit.index(lanes))
            builder.cbranch(builder.icmp_signed("<=", following, count), whole, rest)
            builder.position_at_end(whole)
            block(lane, None)
            lane.add_incoming(following, builder.block)
            builder.branch(check)
            builder.position_at_end(rest)
            with builder.if_then(builder.icmp_signed("<", lane, count)):
                block(lane, emit.mask(builder.sub(count, lane), 0))
            builder.branch(done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        return signature, codegen

    return transform


def transform_by_loops(M, x, x_start, x_row, x_col, y, y_start, y_row, y_col, count):
    """What a function made by `make_transform(M)` computes, in plain loops: here to be read and tested, not called."""
    S, R = M.shape
    for lane in range(count):
        for i in range(S):
            for j in range(S):
                total = 0.0
                for p in range(R):
                    for q in range(R):
                        total += M[i, p] * x[x_start + p * x_row + q * x_col + lane] * M[j, q]
                y[y_start + i * y_row + j * y_col + lane] = total
