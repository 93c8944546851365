"""Layers that change pictures at random in training, so that the network sees no picture twice.

They draw on the host, a few numbers for each image, and work where the backend computes. Like Keras's they are also
active when they, or models of them, are called on arrays by themselves; in `predict` and `evaluate` never.
"""

from __future__ import annotations

import math

import numpy as np

from ..config import checked_data_format
from ..kernels.random import random_bits
from ..ops import affine_transform, color, resize, transfer
from .base import Layer, checked_choice
from .dropout import _Random

_FILL_MODES = ("reflect", "wrap", "constant", "nearest")


class _Augmentation(_Random):
    """A layer for images (N, H, W, C), or a single one (H, W, C), whose random numbers the host draws."""

    rank = 4
    may_be_recorded = False

    def __init__(self, seed=None, data_format=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.data_format = checked_data_format(data_format)

    def __call__(self, x, training=None):
        if isinstance(x, np.ndarray) and x.ndim == 3:
            return super().__call__(x[None], training)[0]
        return super().__call__(x, training)

    def uniform(self, count, low, high) -> np.ndarray:
        """`count` random numbers between low and high, the next ones of this layer's stream."""
        bits = random_bits(self._next_key(), np.arange(count, dtype=np.uint64))
        return (low + (high - low) * (bits / 2.0**32)).astype(np.float32)

    def forward(self, x, training=False, need_saved=True):
        if training is not None and not training:  # None: nobody has said, which counts as training here
            return x, None
        return self.changed(x, bool(need_saved))

    def changed(self, x, need_saved):
        """(y, saved) for images that are to be changed."""
        raise NotImplementedError(f"{type(self).__name__} does not define changed.")


class _Moved(_Augmentation):
    """A layer that moves pixels: each image has a transform of its own, see `ops/affine_transform`."""

    fill_mode, fill_value, interpolation = "constant", 0.0, "nearest"

    def _fill(self, fill_mode, fill_value, interpolation):
        self.fill_mode = checked_choice(fill_mode, _FILL_MODES, "fill_mode")
        self.fill_value = fill_value
        self.interpolation = checked_choice(interpolation, affine_transform.INTERPOLATIONS, "interpolation")

    def draw(self, N) -> tuple[np.ndarray, ...]:
        """What `transforms` takes, for N images."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw.")

    def transforms(self, H, W, *drawn) -> np.ndarray:
        """(N, 6): where the pixels of images (H, W) come from."""
        raise NotImplementedError(f"{type(self).__name__} does not define transforms.")

    def changed(self, x, need_saved):
        N, H, W, _ = x.shape
        transforms = transfer.here(np.ascontiguousarray(self.transforms(H, W, *self.draw(N)), np.float32))
        return affine_transform.forward(
            x, transforms, (H, W), self.fill_mode, self.fill_value, self.interpolation, need_saved
        )

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else affine_transform.backward(dy, saved, need_dx)


class RandomFlip(_Moved):
    """Mirrors every other image, on average: mode "horizontal" (left and right), "vertical", or both at once."""

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.mode = checked_choice(mode, ("horizontal", "vertical", "horizontal_and_vertical"), "mode")

    def draw(self, N):
        return (self.uniform(N, 0, 1) <= 0.5,)

    def transforms(self, H, W, flips):
        across, down = (flips if word in self.mode else np.zeros_like(flips) for word in ("horizontal", "vertical"))
        return _columns(1 - 2.0 * across, 0, across * (W - 1), 0, 1 - 2.0 * down, down * (H - 1))


class RandomRotation(_Moved):
    """Turns each image around its centre, by a share of a full turn between the two numbers of `factor`, or between
    -factor and factor; positive ones counterclockwise."""

    def __init__(
        self, factor, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0, data_format=None,
        **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.factor = _bounds(factor, "factor", -1, 1)
        self._fill(fill_mode, fill_value, interpolation)

    def draw(self, N):
        return (self.uniform(N, self.factor[0] * 360, self.factor[1] * 360),)

    def transforms(self, H, W, degrees):
        radians = np.asarray(degrees, np.float32) * np.float32(math.pi / 180)
        sine, cosine = np.sin(radians), np.cos(radians)
        x, y = np.float32((W - 1) / 2), np.float32((H - 1) / 2)
        return _columns(cosine, -sine, x - x * cosine + y * sine, sine, cosine, y - x * sine - y * cosine)


class RandomZoom(_Moved):
    """Shows more of each image (factors above 0) or less, by up to such a share: two numbers, or -factor to factor.
    Without width_factor the proportions stay."""

    def __init__(
        self, height_factor, width_factor=None, fill_mode="reflect", interpolation="bilinear", seed=None,
        fill_value=0.0, data_format=None, **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._heights = _bounds(height_factor, "height_factor", -1, 1)
        self._widths = None if width_factor is None else _bounds(width_factor, "width_factor", -1, 1)
        for factor in (height_factor, width_factor):
            if np.any(np.array(factor or 0, np.float64) <= -1):
                raise ValueError(f"A zoom by -1 leaves nothing to see; received factor {factor!r}.")
        self._fill(fill_mode, fill_value, interpolation)

    def draw(self, N):
        heights = 1 + self.uniform(N, *self._heights)
        return heights, heights if self._widths is None else 1 + self.uniform(N, *self._widths)

    def transforms(self, H, W, heights, widths):
        return _columns(
            widths, 0, np.float32((W - 1) / 2) * (1 - widths), 0, heights, np.float32((H - 1) / 2) * (1 - heights)
        )


class RandomTranslation(_Moved):
    """Shifts each image down and to the right, by up to such shares of its height and width: two numbers, or -factor to
    factor."""

    def __init__(
        self, height_factor, width_factor, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0,
        data_format=None, **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._heights = _bounds(height_factor, "height_factor", -1, 1)
        self._widths = _bounds(width_factor, "width_factor", -1, 1)
        self._fill(fill_mode, fill_value, interpolation)

    def draw(self, N):
        return self.uniform(N, *self._heights), self.uniform(N, *self._widths)

    def transforms(self, H, W, heights, widths):
        return _columns(np.ones_like(widths), 0, -widths * W, 0, 1, -heights * H)


class _Cut(_Moved):
    """A layer that cuts height x width pixels out of images."""

    def __init__(self, height, width, seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.height, self.width = _size(height, "height"), _size(width, "width")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[3])

    def forward(self, x, training=False, need_saved=True):
        """Cut out, or where an image is too small, the largest part of the wanted proportions resized."""
        _, H, W, _ = x.shape
        start = self.start(H, W, training is None or training)
        if start is None:
            return _fitted(x, (self.height, self.width), "bilinear", bool(need_saved))
        top, left = start
        transforms = np.tile(np.array([1, 0, left, 0, 1, top], np.float32), (len(x), 1))
        y, saved = affine_transform.forward(
            x, transfer.here(transforms), (self.height, self.width), "constant", 0.0, "nearest", bool(need_saved)
        )
        return y, (affine_transform, [saved])

    def start(self, H, W, training):
        """(top, left) of what is cut out of images (H, W), or None if they are too small."""
        raise NotImplementedError(f"{type(self).__name__} does not define start.")

    def backward(self, dy, saved, need_dx=True):
        return _handed_back(dy, saved, need_dx)


class CenterCrop(_Cut):
    """The middle of each image, always."""

    _not_in_config = (*_Cut._not_in_config, "seed")

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(height, width, None, data_format, **kwargs)

    def start(self, H, W, training):
        return ((H - self.height) // 2, (W - self.width) // 2) if self.height <= H and self.width <= W else None


class RandomCrop(_Cut):
    """A part of the images, the same one for all images of a batch; in inference the largest part of the wanted
    proportions, resized."""

    def start(self, H, W, training):
        if not (training and self.height < H and self.width < W):
            return None
        drawn = self.uniform(2, 0, 1)
        return int(drawn[0] * (H - self.height + 1)), int(drawn[1] * (W - self.width + 1))


class Resizing(Layer):
    """Images (N, H, W, C), or one (H, W, C), in the size height x width, "bilinear" or "nearest".

    crop_to_aspect_ratio first cuts the largest part of the new proportions out of the middle, pad_to_aspect_ratio first
    puts black around; otherwise proportions may change.
    """

    rank = 4

    def __init__(
        self, height, width, interpolation="bilinear", crop_to_aspect_ratio=False, pad_to_aspect_ratio=False,
        fill_mode="constant", fill_value=0.0, antialias=False, data_format=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.height, self.width = _size(height, "height"), _size(width, "width")
        self.interpolation = checked_choice(interpolation, resize.INTERPOLATIONS, "interpolation")
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode = checked_choice(fill_mode, ("constant",), "fill_mode")
        self.fill_value, self.antialias = fill_value, antialias
        self.data_format = checked_data_format(data_format)
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True.")
        if antialias:
            raise ValueError("Resizing has no antialiasing; received antialias=True.")

    def __call__(self, x, training=None):
        if isinstance(x, np.ndarray) and x.ndim == 3:
            return super().__call__(x[None], training)[0]
        return super().__call__(x, training)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[3])

    def forward(self, x, training=False, need_saved=True):
        size = (self.height, self.width)
        if self.crop_to_aspect_ratio:
            return _fitted(x, size, self.interpolation, bool(need_saved))
        if self.pad_to_aspect_ratio:
            return _padded(x, size, self.interpolation, self.fill_value, bool(need_saved))
        y, saved = resize.forward(x, size, self.interpolation, bool(need_saved))
        return y, (resize, [saved])

    def backward(self, dy, saved, need_dx=True):
        return _handed_back(dy, saved, need_dx)


class RandomContrast(_Augmentation):
    """Moves each image's pixels away from the mean of their channel, or towards it: by a factor between 1 - lower and
    1 + upper, for factor = (lower, upper). A single number raises contrast by up to so much, as in Keras."""

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.factor, self.value_range = _bounds(factor, "factor", 0, 1), _range(value_range)

    def draw(self, N):
        """The factor of each of N images."""
        return self.uniform(N, 1 - self.factor[0], 1 + self.factor[1])

    def changed(self, x, need_saved):
        factors = transfer.here(np.asarray(self.draw(len(x)), self.dtype))
        return color.contrast_forward(x, factors, *self.value_range, need_saved)

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else color.contrast_backward(dy, saved, need_dx)


class RandomBrightness(_Augmentation):
    """Adds to each image a share of value_range between the two numbers of `factor`, or between -factor and factor."""

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.factor, self.value_range = _bounds(factor, "factor", -1, 1), _range(value_range)

    def draw(self, N):
        """What is added to each of N images."""
        low, high = self.value_range
        return self.uniform(N, *self.factor) * np.float32(high - low)

    def changed(self, x, need_saved):
        deltas = transfer.here(np.asarray(self.draw(len(x)), self.dtype))
        return color.brightness_forward(x, deltas, *self.value_range, need_saved)

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else color.brightness_backward(dy, saved, need_dx)


def _columns(*columns):
    """Numbers, or one number for each image, side by side: (N, 6) in float32."""
    return np.stack(np.broadcast_arrays(*(np.asarray(column, np.float32) for column in columns)), axis=1)


def _fitted(x, size, interpolation, need_saved):
    """(y, saved): the largest part of the proportions of `size`, out of the middle, resized to it."""
    _, H, W, _ = x.shape
    height = max(min(H, int(W * size[0] / size[1])), 1)
    width = max(min(W, int(H * size[1] / size[0])), 1)
    top, left = int((H - height) / 2), int((W - width) / 2)
    transforms = np.tile(np.array([1, 0, left, 0, 1, top], np.float32), (len(x), 1))
    part, cut = affine_transform.forward(
        x, transfer.here(transforms), (height, width), "constant", 0.0, "nearest", need_saved
    )
    y, resized = resize.forward(part, size, interpolation, need_saved)
    return y, ([affine_transform, resize], [cut, resized])


def _padded(x, size, interpolation, fill_value, need_saved):
    """(y, saved): the images with as much of fill_value around as gives them the proportions of `size`, resized."""
    _, H, W, _ = x.shape
    height, width = max(H, int(W * size[0] / size[1])), max(W, int(H * size[1] / size[0]))
    top, left = int((height - H) / 2), int((width - W) / 2)
    transforms = np.tile(np.array([1, 0, -left, 0, 1, -top], np.float32), (len(x), 1))
    whole, padded = affine_transform.forward(
        x, transfer.here(transforms), (H + 2 * top, W + 2 * left), "constant", fill_value, "nearest", need_saved
    )
    y, resized = resize.forward(whole, size, interpolation, need_saved)
    return y, ([affine_transform, resize], [padded, resized])


def _handed_back(dy, saved, need_dx):
    """dx through the operations that forward has gone through."""
    if not need_dx:
        return None
    operations, kept = saved
    for operation, one in reversed(list(zip(_listed(operations), kept, strict=True))):
        dy = operation.backward(dy, one)
    return dy


def _listed(operations):
    return operations if isinstance(operations, list) else [operations]


def _bounds(factor, name, least, most):
    """(lower, upper) from two numbers, or from one that goes both ways; ValueError outside `least` and `most`."""
    pair = list(factor) if isinstance(factor, (tuple, list)) else [factor]
    numbers = all(isinstance(f, (int, float, np.number)) and not isinstance(f, bool) for f in pair)
    if not numbers or len(pair) > 2 or not all(least <= f <= most for f in pair):
        raise ValueError(
            f"{name} must be a number, or a list of two, between {least} and {most}; received {name}={factor!r}."
        )
    if len(pair) == 1:
        pair = [max(-abs(pair[0]), least), abs(pair[0])]
    return tuple(sorted(float(f) for f in pair))


def _range(value_range):
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise ValueError(f"value_range must be the lowest and the highest value; received value_range={value_range!r}.")
    return tuple(sorted(value_range))


def _size(value, name):
    if not (hasattr(value, "__index__") and int(value) > 0):
        raise ValueError(f"{name} must be a positive integer; received {name}={value!r}.")
    return int(value)
