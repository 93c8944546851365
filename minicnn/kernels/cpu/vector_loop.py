"""Loops over neighbouring numbers, `lanes` of them at a time. The code of a loop says what happens to one vector.

Numba and LLVM vectorise a plain loop too. But they turn it into a vectorised loop, an unrolled one and one for the
rest, each guarded by tests of whether the arrays overlap. They also copy the loops around it for every size that they
know to be fixed. The code is no faster, but takes longer to compile: the four kernels of the convolution take 18 s with
plain loops and 12 s with these.
"""

from __future__ import annotations

import inspect
from math import inf

from numba import types
from numba.core import errors
from numba.extending import intrinsic

from .emitter import Emitter, array_data
from .microkernel import VECTOR_BYTES


def vector_loop(arrays: int, scalars: int = 0, numbers: int = 0, wide: int = 0, vector_bytes: int = VECTOR_BYTES):
    """Decorator: turn the work on one vector into a function of `arrays` flat arrays, which kernels can call.

    body(emit, mask, *pointers, *scalars, *numbers) emits the instructions for the vectors that begin at the pointers;
    `emit` is an Emitter for the first array's type. The function made of it is

        function(array_0, start_0, array_1, start_1, ..., *scalars, *numbers, count)

    and does the work for `count` numbers of every array, from its start on. Scalars are integers; numbers have the
    first array's type. All float arrays have the same type, except the last `wide` arrays, which are float64.

    For example `add` below: add(x, 10, y, 0, 100) does y[i] += x[10 + i] for i = 0 .. 99. With 16 lanes its body runs
    seven times, the last time with a mask of 4 lanes.
    """
    narrow = arrays - wide

    def decorate(body):
        names = [name for i in range(arrays) for name in (f"array_{i}", f"start_{i}")]
        names += [f"scalar_{i}" for i in range(scalars)] + [f"number_{i}" for i in range(numbers)] + ["count"]

        def definition(typing_context, *given):
            floats = {kind.dtype for kind in given[: 2 * narrow : 2] if not isinstance(kind.dtype, types.Integer)}
            are_wide = {kind.dtype for kind in given[2 * narrow : 2 * arrays : 2]} <= {types.float64}
            if any(kind.layout != "C" for kind in given[: 2 * arrays : 2]) or len(floats) != 1 or not are_wide:
                raise errors.TypingError(
                    f"{body.__name__} takes contiguous arrays of one float type; received {given}."
                )
            real, n = given[0].dtype, types.intp
            pairs = [kind for array in given[: 2 * arrays : 2] for kind in (array, n)]
            signature = types.void(*pairs, *[n] * scalars, *[real] * numbers, n)
            bits = given[0].dtype.bitwidth
            lanes = vector_bytes * 8 // bits

            def codegen(context, builder, signature, args):
                emit = Emitter(builder, bits, lanes)
                starts = [
                    emit.at(array_data(context, builder, signature, args, 2 * i), args[2 * i + 1])
                    for i in range(arrays)
                ]

                values = args[2 * arrays : -1]
                sizes = [emit.opaque(size) for size in values[:scalars]]

                def one_vector(lane, mask):
                    body(emit, mask, *(emit.at(start, lane) for start in starts), *sizes, *values[scalars:])

                emit.over_lanes(emit.opaque(args[-1]), one_vector)
                return context.get_dummy_value()

            return signature, codegen

        named = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in ("typing_context", *names)]
        definition.__signature__ = inspect.Signature(named)
        definition.__name__, definition.__qualname__, definition.__doc__ = (
            body.__name__,
            body.__qualname__,
            body.__doc__,
        )
        loop = intrinsic(definition)
        loop.body = body  # to make the loop again with other vectors
        return loop

    return decorate


@vector_loop(arrays=1)
def zero(emit, mask, x):
    """x = 0."""
    emit.store(emit.zero, x, mask)


@vector_loop(arrays=2)
def copy(emit, mask, x, y):
    """y = x."""
    emit.store(emit.load(x, mask), y, mask)


@vector_loop(arrays=2)
def add(emit, mask, x, y):
    """y += x."""
    emit.store(emit.builder.fadd(emit.load(y, mask), emit.load(x, mask)), y, mask)


@vector_loop(arrays=3, scalars=1)
def add_bias(emit, mask, sums, bias, y, relu):
    """y = sums + bias, clamped below at zero with `relu`."""
    value = emit.builder.fadd(emit.load(sums, mask), emit.load(bias, mask))
    emit.store(emit.at_least(floor_of(emit, relu), value), y, mask)


def floor_of(emit, relu):
    """A vector of the least value that is allowed: zeros with `relu`, minus infinity without."""
    return emit.splat(emit.builder.select(emit.is_set(relu), emit.number(0), emit.number(-inf)))


@vector_loop(arrays=3)
def pass_relu(emit, mask, dy, y, dz):
    """dz = dy where y > 0, else 0."""
    positive = emit.builder.fcmp_ordered(">", emit.load(y, mask), emit.zero)
    emit.store(emit.builder.select(positive, emit.load(dy, mask), emit.zero), dz, mask)
