"""Loops that apply a formula to every number: y[i] = formula(x[i], ...), `lanes` numbers at a time."""

from __future__ import annotations

from .compile import THREADS, helper
from .microkernel import VECTOR_BYTES
from .vector_loop import vector_loop

_UNIT = 64  # parts begin at multiples of this many numbers, so that no two threads write into one line of the cache


def elementwise(formula, arrays: int = 1, numbers: int = 0, vector_bytes: int = VECTOR_BYTES):
    """A vector loop over `arrays` inputs and the output y, with `numbers` numbers that are the same everywhere:

    loop(x_0, start_0, ..., y, start_y, *numbers, count)

    formula(*inputs, *numbers) takes and returns a `vectors.Vector`.
    """

    def loop(emit, mask, *given):
        inputs, y, constants = given[:arrays], given[arrays], given[arrays + 1 :]
        vectors = [emit.numbers(emit.load(x, mask)) for x in inputs]
        result = formula(*vectors, *(emit.numbers(emit.splat(number)) for number in constants))
        emit.store(result.value, y, mask)

    loop.__qualname__ = f"elementwise({formula.__qualname__})"  # by this name the kernel cache tells loops apart
    return vector_loop(arrays=arrays + 1, numbers=numbers, vector_bytes=vector_bytes)(loop)


@helper
def part(size, thread):
    """(start, count) of the numbers of a flat array that belong to a thread."""
    each = (size + THREADS * _UNIT - 1) // (THREADS * _UNIT) * _UNIT
    start = min(thread * each, size)
    return start, min(each, size - start)
