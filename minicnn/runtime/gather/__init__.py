"""A batch out of a data set: the chosen rows, cast to the model's type on the way.

    y[i] = x[index[i]]          x (M, ...) of any number type and memory order      index (N,)      y (N, ...)

Only the batch is ever cast; a data set of uint8 stays uint8. The index may be a slice; then y may lie on x.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, index, dtype):
    """y (N, ...), C-contiguous, of type dtype: not to be written to. index, (N,) or a slice, within x's rows."""
    return variant(__name__).forward(x, index, dtype)
