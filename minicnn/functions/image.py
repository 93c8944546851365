"""`ops.image`: images in other sizes and colours."""

from __future__ import annotations

import numpy as np

from ..layers.resizing import Resizing
from ..shapes import pair
from ..symbol import Symbol
from .apply import draws, dtype_of
from .elementwise import absolute
from .networks import _on_arrays, conv, depthwise_conv
from .operators import clip, equal, greater, less, maximum, minimum, mod, multiply, where
from .places import expand_dims, pad, stack
from .reductions import sum

__all__ = [
    "crop_images", "extract_patches", "gaussian_blur", "hsv_to_rgb", "pad_images", "resize", "rgb_to_grayscale",
    "rgb_to_hsv",
]  # fmt: skip


def resize(
    images, size, interpolation="bilinear", antialias=False, crop_to_aspect_ratio=False, pad_to_aspect_ratio=False,
    fill_mode="constant", fill_value=0.0, data_format=None,
):  # fmt: skip
    """Images in another size (height, width). Arrays of whole numbers give such again, as in Keras."""

    def make(dtype):
        return Resizing(
            *size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode, fill_value, antialias,
            data_format=data_format, dtype=dtype,
        )  # fmt: skip

    if draws(images):
        return make(dtype_of(images))(Symbol.of(images, dtype_of(images)))
    images = np.asarray(images)
    return _on_arrays(make, images[None])[0] if images.ndim == 3 else _on_arrays(make, images)


def rgb_to_grayscale(images, data_format=None):
    """Grey images (..., 1) of colour images (..., 3)."""
    return sum(multiply(images, np.array([0.2989, 0.587, 0.114], dtype_of(images))), -1, True)


def rgb_to_hsv(images, data_format=None):
    """Hue, saturation and value (..., 3) of colour images (..., 3): the hue is a share of the colour circle, the
    saturation is from 0 to 1, and the value is the largest of the three colours.

    Source: Smith, "Color gamut transform pairs", 1978.
    """
    red, green, blue = (images[..., i] for i in range(3))
    value = maximum(maximum(red, green), blue)
    width = value - minimum(minimum(red, green), blue)
    grey, safe = equal(width, 0.0), where(equal(width, 0.0), 1.0, width)
    hue = where(
        equal(value, red), (green - blue) / safe,
        where(equal(value, green), (blue - red) / safe + 2.0, (red - green) / safe + 4.0),
    ) / 6.0  # fmt: skip
    hue = where(grey, 0.0, where(less(hue, 0.0), hue + 1.0, hue))
    saturation = where(greater(value, 0.0), width / where(greater(value, 0.0), value, 1.0), 0.0)
    return stack([hue, saturation, value], -1)


def hsv_to_rgb(images, data_format=None):
    """Colour images (..., 3) of images that `rgb_to_hsv` made."""
    hue, saturation, value = (images[..., i] for i in range(3))
    parts = []
    for offset in (0.0, 4.0, 2.0):  # red, green and blue have their place on the circle, in sixths
        share = clip(absolute(mod(hue * 6.0 + offset, 6.0) - 3.0) - 1.0, 0.0, 1.0)
        parts.append(value * (1.0 - saturation * (1.0 - share)))
    return stack(parts, -1)


def gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format=None):
    """Images (N, H, W, C) or (H, W, C), each pixel a mean of those around it with weights of a normal distribution.

    kernel_size: how many rows and columns it is a mean of; sigma: the distribution's standard deviations, along rows,
    then along columns.
    """
    if len(images.shape) == 3:
        return gaussian_blur(images[None], kernel_size, sigma)[0]
    kernel = gaussian_kernel(kernel_size, sigma, images.shape[-1]).astype(dtype_of(images))
    return depthwise_conv(images, kernel, padding="same")


def gaussian_kernel(kernel_size, sigma, C) -> np.ndarray:
    """The kernel (KH, KW, C, 1) of `gaussian_blur`."""
    bells = []
    for size, deviation in zip(kernel_size, sigma, strict=True):
        weights = np.exp(-0.5 * np.square((np.arange(size) - (size - 1) / 2) / deviation))
        bells.append(weights / weights.sum())
    return np.tile(np.outer(bells[1], bells[0]).reshape(*kernel_size, 1, 1), (1, 1, C, 1))


def extract_patches(images, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """(N, OH, OW, KH KW C): for each window its pixels in a row. size: of the windows; strides: size unless given."""
    if len(images.shape) == 3:
        return extract_patches(expand_dims(images, 0), size, strides, dilation_rate, padding)[0]
    (KH, KW), C = pair(size, "size"), images.shape[-1]
    kernel = np.eye(KH * KW * C, dtype=np.float32).reshape(KH, KW, C, KH * KW * C)
    return conv(images, kernel, (KH, KW) if strides is None else strides, padding, dilation_rate=dilation_rate)


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
