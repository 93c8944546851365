"""What layers, losses and metrics give to whoever calls them: NumPy's array and Python's number, which also have the
`.numpy()` that programs written for TensorFlow ask for."""

from __future__ import annotations

import numpy as np


class Array(np.ndarray):
    """A NumPy array.

    >>> outputs = np.ones((2, 3)).view(Array)
    >>> type((outputs * 2).numpy()).__name__
    'ndarray'
    """

    def numpy(self) -> np.ndarray:
        """The same numbers as a plain NumPy array."""
        return self.view(np.ndarray)


class Number(float):
    """A Python float.

    >>> Number(0.25).numpy()
    np.float32(0.25)
    """

    def numpy(self) -> np.float32:
        """The number as NumPy has it."""
        return np.float32(self)
