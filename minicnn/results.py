"""The results that layers, losses and metrics return: a NumPy array and a Python number, both with the method
`.numpy()`, which programs written for TensorFlow call."""

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

    shape, dtype = (), np.dtype(np.float32)  # as a tensor of Keras has them

    def numpy(self) -> np.float32:
        """The number as a NumPy float32."""
        return np.float32(self)
