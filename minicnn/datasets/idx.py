"""Read IDX files, the format in which MNIST and Fashion-MNIST are distributed."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np

_EXPANSION = 100  # the most times that the array may be larger than its file; real images become twice as large


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array in an IDX file, gzipped or not, in the shape of its header. ValueError if the file is damaged, or
    claims to hold far more than its size.

    The format: two zero bytes, 8 (for unsigned bytes), the number of axes, each axis's size as 4 bytes (big-endian),
    then the numbers.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        head = file.read(4)
        if len(head) < 4 or head[:3] != b"\0\0\x08":
            raise ValueError("it does not start like an IDX file of bytes")
        shape = tuple(np.frombuffer(file.read(4 * head[3]), ">u4").tolist())
        size = math.prod(shape)
        if size > max(1 << 20, _EXPANSION * path.stat().st_size):
            raise ValueError(f"its header states the shape {shape}, far too large for {path.stat().st_size} bytes")
        content = file.read(size + 1)
    if len(shape) != head[3] or len(content) != size:
        raise ValueError(
            f"its header states the shape {shape}, but it holds {'more' if len(content) > size else 'less'}"
        )
    return np.frombuffer(content, np.uint8).reshape(shape).copy()
