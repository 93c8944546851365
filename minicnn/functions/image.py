"""`ops.image`: images in other sizes and colours."""

from __future__ import annotations

import numpy as np

from ..layers.resizing import Resizing
from ..symbol import Symbol
from .apply import draws, dtype_of
from .networks import _on_arrays
from .operators import multiply
from .places import pad
from .reductions import sum

__all__ = ["crop_images", "pad_images", "resize", "rgb_to_grayscale"]


def resize(
    images, size, interpolation="bilinear", antialias=False, crop_to_aspect_ratio=False, pad_to_aspect_ratio=False,
    fill_mode="constant", fill_value=0.0, data_format=None,
):  # fmt: skip
    """Images in another size (height, width)."""
    if antialias:
        raise ValueError("minicnn resizes images without antialias; received antialias=True.")

    def make(dtype):
        return Resizing(
            *size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode, fill_value, data_format,
            dtype=dtype,
        )  # fmt: skip

    if draws(images):
        return make(dtype_of(images))(Symbol.of(images, dtype_of(images)))
    images = np.asarray(images)
    return _on_arrays(make, images[None])[0] if images.ndim == 3 else _on_arrays(make, images)


def rgb_to_grayscale(images, data_format=None):
    """Grey images (..., 1) of colour images (..., 3)."""
    return sum(multiply(images, np.array([0.2989, 0.587, 0.114], dtype_of(images))), -1, True)


def crop_images(images, top_cropping=0, left_cropping=0, bottom_cropping=0, right_cropping=0, target_height=None,
                target_width=None, data_format=None):  # fmt: skip
    """Images without these rows and columns, or the part of this size that begins after them."""
    H, W = images.shape[-3], images.shape[-2]
    bottom = H - bottom_cropping if target_height is None else top_cropping + target_height
    right = W - right_cropping if target_width is None else left_cropping + target_width
    return images[..., top_cropping:bottom, left_cropping:right, :]


def pad_images(images, top_padding=0, left_padding=0, bottom_padding=0, right_padding=0, target_height=None,
               target_width=None, data_format=None):  # fmt: skip
    """Images with rows and columns of zeros around them."""
    H, W = images.shape[-3], images.shape[-2]
    bottom = bottom_padding if target_height is None else target_height - H - top_padding
    right = right_padding if target_width is None else target_width - W - left_padding
    sides = [(0, 0)] * (len(images.shape) - 3) + [(top_padding, bottom), (left_padding, right), (0, 0)]
    return pad(images, sides)
