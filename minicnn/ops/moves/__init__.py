"""Numbers moved to other places: every output number is a copy of an input number, or a constant.

    y[i] = x[index[i]], or `fill` where index[i] is -1         dx[j] = the sum of dy[i] over all i with index[i] == j

    x  (rows, K)        index  (M,)        y  (rows, M)        each row is rearranged alike

This one line transposes, slices, flips, pads, tiles, repeats and rolls: only the index differs. And the index comes
from NumPy: rearrange the numbers 0, 1, 2, ... as x should be, and each number says where it came from.

    x                                    0 1 2
                                         3 4 5
    np.flip(positions, 1)                2 1 0
                                         5 4 3
    so index = 2 1 0 5 4 3, and np.transpose gives 0 3 1 4 2 5, np.pad with -1 as its constant -1 0 1 2 -1 ...

Reading order: `vectorized.py` (the definition), `tables.py` (an index and its inverse), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, table, fill=0.0, need_saved=True):
    """y (rows, M) and what `backward` needs; table: a `tables.Table` for rows of K numbers."""
    return variant(__name__).forward(x, table, fill, need_saved)


def backward(dy, saved):
    """dx (rows, K) for the upstream gradient dy (rows, M)."""
    return variant(__name__).backward(dy, saved)
