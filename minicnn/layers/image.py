"""Base class of layers that take images."""

from __future__ import annotations

import numpy as np

from .. import ops
from .base import Layer


class ImageLayer(Layer):
    """A layer for images (N, H, W, C) that takes a single image (H, W, C) as well, if its height is known."""

    rank = 4

    def __call__(self, x, training=None):
        shape = getattr(x, "shape", ())
        if len(shape) != 3 or shape[0] is None:
            return super().__call__(x, training)
        if isinstance(x, np.ndarray):
            return super().__call__(x[None], training)[0]
        return ops.squeeze(super().__call__(ops.expand_dims(x, 0), training), 0)
