"""Move arrays between the host and the device of the backend in use. On the CPU both are the same, and nothing moves.

    to_device(x)               x where the backend computes: x itself, or a copy in the GPU's memory
    to_host(x)                 x as a NumPy array; waits for the GPU
    assign(x, values)          replaces the numbers of x by those of a NumPy array, in place
    full_like(x, value)        an array of x's shape filled with this number, where the backend computes
    number(next_one, dtype)    a number that changes in every step, in the form that operations take
    clear()                    gives memory that is kept for reuse back to the system

The code around the operations calls these functions; no operation moves its inputs.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def to_device(x):
    """x (a NumPy array or an array of any backend), stored where the backend in use computes."""
    return variant(__name__).to_device(x)


def to_host(x):
    """x as a NumPy array; on the CPU x itself."""
    return variant(__name__).to_host(x)


def assign(x, values):
    """Replace the numbers of x, on the host or in the GPU's memory, by those of `values`, which has the same shape."""
    variant(__name__).assign(x, values)


def number(next_one, dtype):
    """The number next_one() of this step: the number itself, or an array (1,) of type dtype from which kernels read it.

    Every step calls next_one once. A replayed step (`runtime.replay`) calls it too, though it skips the Python code
    around the kernels.
    """
    return variant(__name__).number(next_one, dtype)


def clear():
    """Give back the memory that the backend in use keeps for reuse."""
    variant(__name__).clear()


def full_like(x, value):
    """An array of x's shape and type, stored where the backend computes, in which every number is `value`."""
    return variant(__name__).full_like(x, value)
