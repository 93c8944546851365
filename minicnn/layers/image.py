"""Base class of layers that take images."""

from __future__ import annotations

import numpy as np

from .base import Layer


class ImageLayer(Layer):
    """A layer for images (N, H, W, C) that takes a single image (H, W, C) as well."""

    rank = 4

    def __call__(self, x, training=None):
        if isinstance(x, np.ndarray) and x.ndim == 3:
            return super().__call__(x[None], training)[0]
        return super().__call__(x, training)
