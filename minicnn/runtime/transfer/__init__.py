"""Where arrays lie: with the backend in use, or on the host. On the CPU that is the same place, and nothing moves.

    to_device(x)               x where the backend computes: itself, or a copy in the GPU's memory
    to_host(x)                 x as a NumPy array; waits for the GPU
    assign(x, values)          the numbers of x replaced by those of a NumPy array, in place
    full_like(x, value)        an array of this number beside x
    number(next_one, dtype)    a number that is another one in every step, as operations take it
    clear()                    memory that is kept for later goes back to the system

Only the trainer and the layers' and models' public calls use these; no operation moves what it is given.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def to_device(x):
    """x, NumPy or of any backend, where the backend in use computes."""
    return variant(__name__).to_device(x)


def to_host(x):
    """x as a NumPy array; on the CPU x itself."""
    return variant(__name__).to_host(x)


def assign(x, values):
    """Replace the numbers of x, wherever it lies, by those of `values`, of the same shape."""
    variant(__name__).assign(x, values)


def number(next_one, dtype):
    """The number next_one() of this step: itself, or where it lies for a GPU's kernels, in the type named.

    next_one is called once in every step, also in one that is replayed (`runtime.replay`), where nothing else is
    called.
    """
    return variant(__name__).number(next_one, dtype)


def clear():
    """Give the memory back that the backend in use keeps for later."""
    variant(__name__).clear()


def full_like(x, value):
    """An array of x's shape and type, beside x, in which every number is `value`."""
    return variant(__name__).full_like(x, value)
