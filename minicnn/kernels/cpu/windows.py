"""Add up windows of an image, or add to them, each window times its own number. Made for few windows, at any places.

A window is R rows of V vectors. Its rows are `x_row` numbers apart, and it begins at x[x_start + places[k]]. One block
of the same shape begins at y[y_start], its rows `y_row` apart:

    gather     block += sum over k of   values[k] * window k
    scatter    window k += values[k] * block,   for every k

**What it is for.** The microkernel multiplies whole matrices. If most numbers of a matrix are zero, most of that work
is wasted. Here only the numbers that are not zero are listed, and each costs R * V multiply-adds.

**What stays in registers.** The block, for all k: in a gather the sums, in a scatter the factors. A gather then loads
one vector for each multiply-add, which a core can do as fast as it multiplies. A scatter loads one vector and stores
one. A store takes Zen 4 twice as long, so a scatter is half as fast. Both are fastest with whole vectors that begin at
cache lines. If windows overlap, the core then reads a vector back from a store of the same vector, without waiting for
the cache.

`gather_by_loops` and `scatter_by_loops` compute the same in plain loops.
"""

from __future__ import annotations

from functools import lru_cache

from numba import types
from numba.core import errors
from numba.extending import intrinsic

from .emitter import Emitter, array_data
from .microkernel import VECTOR_BYTES

REGISTERS = 20 if VECTOR_BYTES == 64 else 12
"""The most vectors that a block may have. AVX-512 has 32 registers and AVX2 has 16; some must stay free for other
values. With 20 vectors, 3x3 kernels on 32, 64, 96 and 128 channels have blocks of the same shape, so their code is
made only once."""


def vectors_across(R: int, vectors: int) -> int:
    """The largest V such that R rows of V vectors fit the registers and V divides `vectors`, the vectors of a row."""
    return max(V for V in range(1, vectors + 1) if vectors % V == 0 and (V == 1 or R * V <= REGISTERS))


@lru_cache
def make_gather(R: int, V: int, vector_bytes: int = VECTOR_BYTES):
    """Make a function for one block shape, which kernels can call:

    gather(x, x_start, x_row, places, values, first, count, y, y_start, y_row)

    It adds up `count` windows, those of places[first:] and values[first:], and then adds their sum to the block at y.
    So the rounding error grows with the length of one list, not of all lists. All arrays are flat. `places` holds
    integers (intp); the others hold numbers of one float type.
    """

    def emit_all(emit, x, x_row, places, values, count, y, y_row):
        sums = [emit.variable(emit.zero) for _ in range(R * V)]
        with emit.repeat(count) as loop:
            value, window = _nth(emit, loop.index, x, places, values)
            for so_far, place in zip(sums, _vectors(emit, window, x_row, R, V), strict=True):
                emit.builder.store(emit.fma(value, emit.load(place, None), emit.builder.load(so_far)), so_far)
        for total, place in zip(sums, _vectors(emit, y, y_row, R, V), strict=True):
            emit.store(emit.builder.fadd(emit.load(place, None), emit.builder.load(total)), place, None)

    return _as_function(emit_all, vector_bytes)


@lru_cache
def make_scatter(R: int, V: int, vector_bytes: int = VECTOR_BYTES):
    """Make a function for one block shape, which kernels can call:

    scatter(x, x_start, x_row, places, values, first, count, y, y_start, y_row)

    It adds the block at y, times values[k], to window k of x, for `count` windows. The arrays are those of `gather`.
    """

    def emit_all(emit, x, x_row, places, values, count, y, y_row):
        block = [emit.load(place, None) for place in _vectors(emit, y, y_row, R, V)]
        with emit.repeat(count) as loop:
            value, window = _nth(emit, loop.index, x, places, values)
            for factor, place in zip(block, _vectors(emit, window, x_row, R, V), strict=True):
                emit.store(emit.fma(value, factor, emit.load(place, None)), place, None)

    return _as_function(emit_all, vector_bytes)


def _vectors(emit, start, row, R, V):
    """Pointers to the vectors of a window or block, row after row."""
    offsets = [emit.builder.add(emit.times(r, row), emit.index(v * emit.lanes)) for r in range(R) for v in range(V)]
    return [emit.at(start, offset) for offset in offsets]


def _nth(emit, k, x, places, values):
    """(values[k] in all lanes, the pointer to window k)."""
    return emit.splat(emit.builder.load(emit.at(values, k))), emit.at(x, emit.builder.load(emit.at(places, k)))


def _as_function(emit_all, vector_bytes):
    @intrinsic
    def windows(typing_context, x, x_start, x_row, places, values, first, count, y, y_start, y_row):
        arrays = (x, values, y)
        if any(array.layout != "C" for array in (*arrays, places)) or len({array.dtype for array in arrays}) != 1:
            raise errors.TypingError(f"windows takes contiguous arrays of one float type; received {arrays}.")
        n = types.intp
        signature = types.void(x, n, n, places, values, n, n, y, n, n)
        bits = x.dtype.bitwidth

        def codegen(context, builder, signature, args):
            emit = Emitter(builder, bits, vector_bytes * 8 // bits)
            x, places, values, y = (array_data(context, builder, signature, args, at) for at in (0, 3, 4, 7))
            _, x_start, x_row, _, _, first, count, _, y_start, y_row = args
            emit_all(
                emit, emit.at(x, x_start), x_row, emit.at(places, first), emit.at(values, first), emit.opaque(count),
                emit.at(y, y_start), y_row,
            )  # fmt: skip
            return context.get_dummy_value()

        return signature, codegen

    return windows


def gather_by_loops(R, width, x, x_start, x_row, places, values, first, count, y, y_start, y_row):
    """What `gather` computes with blocks `width` numbers wide, in plain loops. For reading and tests only."""
    for k in range(first, first + count):
        for r in range(R):
            for j in range(width):
                y[y_start + r * y_row + j] += values[k] * x[x_start + places[k] + r * x_row + j]


def scatter_by_loops(R, width, x, x_start, x_row, places, values, first, count, y, y_start, y_row):
    """What `scatter` computes, in plain loops."""
    for k in range(first, first + count):
        for r in range(R):
            for j in range(width):
                x[x_start + places[k] + r * x_row + j] += values[k] * y[y_start + r * y_row + j]
