"""Sums on the GPU. Thousands of threads cannot add to one number. So each thread adds up a share, and the shares are
then added in a fixed order. The same numbers give the same bits every time; with atomic additions they would not.
"""

from __future__ import annotations

import numpy as np
from numba import cuda, float64

from . import arrays
from .launch import BLOCK, gpu_kernel
from .readings import new_reading

_MOST_SUMS = 1 << 17  # the most threads of a sum: each adds up one piece of one column
_AT_ONCE = 64  # the most pieces that one thread adds up
_MOST_BLOCKS = 256


def pieces_of(M, F):
    """The number of pieces into which the M rows of an array (M, F) are cut, to add up its columns."""
    return max(1, min(_MOST_SUMS // F, M // 8))


def column_sums(x, M, F, dtype=None):
    """The sum of every column of x (M, F): a DeviceArray (F,), of x's type unless another dtype is given."""
    dtype = np.dtype(dtype or x.dtype)
    pieces = pieces_of(M, F)
    partial, total = arrays.empty((pieces, F), dtype), arrays.empty((F,), dtype)
    _column_sums.over(pieces * F, x, M, F, pieces, dtype.type(0), partial)
    sum_pieces(partial, pieces, F, total)
    return total


@gpu_kernel()
def _column_sums(x, M, F, pieces, zero, partial, n):
    """partial[piece, f] = the sum of a share of column f; neighbouring threads have neighbouring columns."""
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        piece, f = place // F, place % F
        total = zero
        for i in range(piece * M // pieces, (piece + 1) * M // pieces):
            total += x[i * F + f]
        partial[place] = total


def sum_pieces(partial, pieces, size, total):
    """total[i] = the sum of partial[piece, i] over pieces of `size` numbers; many pieces take several passes."""
    while pieces > _AT_ONCE:
        groups = -(-pieces // _AT_ONCE)
        sums = arrays.empty((groups, size), partial.dtype)
        _sum_pieces.over(groups * size, partial, pieces, size, sums)
        partial, pieces = sums, groups
    _sum_pieces.over(size, partial, pieces, size, total)


@gpu_kernel()
def _sum_pieces(partial, pieces, size, sums, n):
    """sums[group, i] = the sum of a group of pieces, in order; there are n // size groups."""
    groups = n // size
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        group, i = place // size, place % size
        first = group * pieces // groups
        value = partial[first * size + i]
        for piece in range(first + 1, (group + 1) * pieces // groups):
            value += partial[piece * size + i]
        sums[place] = value


def weighted_sum(x, weights, n):
    """sum of x[i] * weights[i] over n numbers (of x[i] without weights), in float64: a Reading."""
    return new_reading(lambda readings, place: sum_into(readings, place, x, weights, n))


def sum_into(sums, place, x, weights, n):
    """sums[place] = the sum that `weighted_sum` returns; sums is a float64 array."""
    weighted, weights = weights is not None, x if weights is None else weights
    blocks = max(1, min(_MOST_BLOCKS, n // (64 * BLOCK)))
    if blocks == 1:
        _sum_block.launch(1, BLOCK, x, weights, weighted, n, sums, place)
    else:
        partial = arrays.empty((blocks,), np.float64)
        _sum_block.launch(blocks, BLOCK, x, weights, weighted, n, partial, 0)
        _sum_block.launch(1, BLOCK, partial, partial, False, blocks, sums, place)


@gpu_kernel()
def _sum_block(x, weights, weighted, n, sums, first):
    """sums[first + block] = the sum of the block's share. Every thread adds up some numbers. Then half of the threads
    add the other half's sums to theirs, then a quarter of the threads, until one sum is left."""
    shares = cuda.shared.array(BLOCK, float64)
    thread = cuda.threadIdx.x
    total = float64(0)
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        total += float64(x[i]) * weights[i] if weighted else x[i]
    shares[thread] = total
    half = BLOCK // 2
    while half > 0:
        cuda.syncthreads()
        if thread < half:
            shares[thread] += shares[thread + half]
        half //= 2
    if thread == 0:
        sums[first + cuda.blockIdx.x] = shares[0]
