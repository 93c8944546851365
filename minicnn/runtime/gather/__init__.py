"""Take a batch out of a data set: copy the chosen rows and cast them to the model's type.

    y[i] = x[index[i]]          x (M, ...) of any number type and memory order      index (N,)      y (N, ...)

Only the batch is cast; a data set of uint8 stays uint8. The index may be a slice. Then y may be a view of x.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, index, dtype):
    """y (N, ...), C-contiguous, of type dtype; do not write to y. index: (N,) or a slice, within the rows of x."""
    return variant(__name__).forward(x, index, dtype)
