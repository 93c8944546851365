"""Layers that give images another size: by resizing, cutting or padding."""

from __future__ import annotations

import numpy as np

from ..config import checked_data_format
from ..ops import affine_transform
from ..runtime import transfer
from ..shapes import middle, pair
from . import resampling
from .augmentation import Augmentation
from .base import Layer
from .checks import checked_choice
from .image import ImageLayer
from .reshape import four_sides


class _OfSize(ImageLayer):
    """A layer that gives images of height x width, by one operation or two: `saved` is [(operation, what it saved)]."""

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.height, self.width = _size(height, "height"), _size(width, "width")
        self.data_format = checked_data_format(data_format)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[3])

    def backward(self, dy, saved, need_dx=True):
        if not need_dx:
            return None
        for operation, kept in reversed(saved):
            dy = operation.backward(dy, kept)
        return dy

    def _resized(self, x, interpolation, need_saved, antialias=False):
        y, kept = resampling.forward(x, (self.height, self.width), interpolation, antialias, bool(need_saved))
        return y, [(resampling, kept)]

    def _fitted(self, x, interpolation, need_saved, antialias=False):
        """Cut the largest part with the new proportions out of the middle, and resize it."""
        top, left, height, width = middle(x.shape[1], x.shape[2], (self.height, self.width))
        part, cut = _window(x, top, left, (height, width), 0.0, need_saved)
        y, resized = self._resized(part, interpolation, need_saved, antialias)
        return y, cut + resized


class Resizing(_OfSize):
    """Resizes images to height x width; interpolation is "bilinear", "nearest", "bicubic", "lanczos3", "lanczos5" or
    "area". antialias: in smaller images every pixel of the larger ones counts (`resampling.py`).

    crop_to_aspect_ratio first cuts the largest part with the new proportions out of the middle. pad_to_aspect_ratio
    first pads with fill_value to the new proportions. Otherwise the proportions may change.
    """

    def __init__(
        self, height, width, interpolation="bilinear", crop_to_aspect_ratio=False, pad_to_aspect_ratio=False,
        fill_mode="constant", fill_value=0.0, antialias=False, data_format=None, **kwargs,
    ):  # fmt: skip
        super().__init__(height, width, data_format, **kwargs)
        self.interpolation = checked_choice(interpolation, resampling.INTERPOLATIONS, "interpolation")
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode = checked_choice(fill_mode, ("constant",), "fill_mode")
        self.fill_value, self.antialias = fill_value, antialias
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True.")

    def __call__(self, inputs, *arguments, **named):
        """As in `Layer`; arrays of whole numbers give such again, rounded, as in Keras."""
        outputs = super().__call__(inputs, *arguments, **named)
        if isinstance(inputs, np.ndarray) and inputs.dtype.kind in "iu":
            limits = np.iinfo(inputs.dtype)
            outputs = np.rint(outputs).clip(limits.min, limits.max).astype(inputs.dtype)
        return outputs

    def forward(self, x, training=False, need_saved=True):
        if self.crop_to_aspect_ratio:
            return self._fitted(x, self.interpolation, need_saved, self.antialias)
        padded = []
        if self.pad_to_aspect_ratio:
            _, H, W, _ = x.shape
            top = int((max(H, int(W * self.height / self.width)) - H) / 2)
            left = int((max(W, int(H * self.width / self.height)) - W) / 2)
            x, padded = _window(x, -top, -left, (H + 2 * top, W + 2 * left), self.fill_value, need_saved)
        y, resized = self._resized(x, self.interpolation, need_saved, self.antialias)
        return y, padded + resized


class CenterCrop(_OfSize):
    """Cuts out the middle of each image. If images are too small, resizes their largest part with these proportions."""

    def forward(self, x, training=False, need_saved=True):
        _, H, W, _ = x.shape
        if self.height > H or self.width > W:
            return self._fitted(x, "bilinear", need_saved)
        size = (self.height, self.width)
        return _window(x, (H - self.height) // 2, (W - self.width) // 2, size, 0.0, need_saved)


class RandomCrop(_OfSize, Augmentation):
    """Cuts out a random part, the same for all images of a batch. In inference, or if a side of the images is not
    larger than the part's, resizes their largest part with these proportions."""

    def __init__(self, height, width, seed=None, data_format=None, **kwargs):
        super().__init__(height, width, data_format, seed=seed, **kwargs)

    def start(self, H, W) -> tuple[int, int]:
        """(top, left) of the part that is cut out of images (H, W), drawn at random."""
        drawn = self.uniform(2, 0, 1)
        return int(drawn[0] * (H - self.height + 1)), int(drawn[1] * (W - self.width + 1))

    def forward(self, x, training=False, need_saved=True):
        _, H, W, _ = x.shape
        cuts = (training is None or training) and self.height < H and self.width < W
        if not cuts:
            return self._fitted(x, "bilinear", need_saved)
        return _window(x, *self.start(H, W), (self.height, self.width), 0.0, need_saved)


class UpSampling2D(Layer):
    """Makes images `size` times as large, (down, sideways): (N, H, W, C) to (N, H * size, W * size, C). interpolation:
    "nearest" repeats each pixel, "bilinear" mixes neighbours; there are the others of Resizing too."""

    rank = 4

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(**kwargs)
        self.size = pair(size, "size")
        self.data_format = checked_data_format(data_format)
        self.interpolation = checked_choice(interpolation, resampling.INTERPOLATIONS, "interpolation")

    def compute_output_shape(self, input_shape):
        N, H, W, C = input_shape
        return (N, *(None if side is None else side * n for side, n in zip((H, W), self.size, strict=True)), C)

    def forward(self, x, training=False, need_saved=True):
        size = self.compute_output_shape(x.shape)[1:3]
        return resampling.forward(x, size, self.interpolation, need_saved=bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return resampling.backward(dy, saved, need_dx)


class Cropping2D(Layer):
    """Cuts rows and columns off images. cropping: one number, (rows, columns), or ((top, bottom), (left, right))."""

    rank = 4

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.cropping = four_sides(cropping, "cropping")
        self.data_format = checked_data_format(data_format)

    def compute_output_shape(self, input_shape):
        N, H, W, C = input_shape
        left = [None if size is None else size - sum(cut) for size, cut in zip((H, W), self.cropping, strict=True)]
        if any(size is not None and size <= 0 for size in left):
            raise ValueError(
                f"{self.name!r} must leave a part of the image; received cropping={self.cropping} for images of "
                f"{H} x {W}."
            )
        return (N, *left, C)

    def flops(self, input_shape):
        return 0

    def forward(self, x, training=False, need_saved=True):
        size = self.compute_output_shape(x.shape)[1:3]
        y, ((_, saved),) = _window(x, self.cropping[0][0], self.cropping[1][0], size, 0.0, need_saved)
        return y, saved

    def backward(self, dy, saved, need_dx=True):
        return affine_transform.backward(dy, saved, need_dx)


def _window(x, top, left, size, fill_value, need_saved):
    """(y, saved): the part of images x in a window of `size` at (top, left), with fill_value outside the images."""
    transforms = np.tile(np.array([1, 0, left, 0, 1, top], np.float32), (len(x), 1))
    y, kept = affine_transform.forward(
        x, transfer.to_device(transforms), size, "constant", fill_value, "nearest", bool(need_saved)
    )
    return y, [(affine_transform, kept)]


def _size(value, name):
    if not (hasattr(value, "__index__") and int(value) > 0):
        raise ValueError(f"{name} must be a positive integer; received {name}={value!r}.")
    return int(value)
