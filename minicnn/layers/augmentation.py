"""Layers that change images at random in training, so that the network sees no image twice.

The host draws a few random numbers for each image, and the backend changes the images. As in Keras, the layers are also
active when you call them, or a model that holds them, on arrays. They are never active in `predict` and `evaluate`.
"""

from __future__ import annotations

import math

import numpy as np

from ..activations import FunctionActivation
from ..config import checked_data_format
from ..kept_graphs import kept
from ..kernels.random import random_bits
from ..ops import affine_transform, color
from ..runtime import transfer
from .checks import checked_choice
from .dropout import _Random
from .image import ImageLayer

_FILL_MODES = ("reflect", "wrap", "constant", "nearest")


class Augmentation(ImageLayer, _Random):
    """Base class of layers for images that draw random numbers on the host."""

    may_be_recorded = False

    def __init__(self, seed=None, data_format=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.data_format = checked_data_format(data_format)

    def uniform(self, count, low, high) -> np.ndarray:
        """`count` random numbers between low and high, the next ones of this layer's stream."""
        bits = random_bits(self._next_key(), np.arange(count, dtype=np.uint64))
        return (low + (high - low) * (bits / 2.0**32)).astype(np.float32)

    def __call__(self, inputs, training=None):
        """The changed images. In a dictionary, {"images", "labels"}, only the images change."""
        if not isinstance(inputs, dict):
            return super().__call__(inputs, training)
        unknown = inputs.keys() & {"bounding_boxes", "segmentation_masks"}
        if unknown or "images" not in inputs:
            raise ValueError(
                f'{self.name!r} takes images, or a dictionary with "images" and "labels", and changes no boxes or '
                f"masks; received the keys {', '.join(map(repr, inputs))}."
            )
        return {**inputs, "images": super().__call__(np.asarray(inputs["images"]), training)}

    def forward(self, x, training=False, need_saved=True):
        if training is not None and not training:  # None: `training` was not given, which means training here
            return x, None
        return self.changed(x, bool(need_saved))

    def changed(self, x, need_saved):
        """Change the images x, and return (y, saved)."""
        raise NotImplementedError(f"{type(self).__name__} does not define changed.")


class Computed(Augmentation):
    """A layer whose change is written with functions of `minicnn.ops`: they are run on symbols once for each shape, and
    what they draw has a gradient."""

    def draw(self, N, H, W, C) -> tuple[np.ndarray, ...]:
        """The random numbers that `change` takes, for N images of this size: arrays (N,), which `change` gets as
        (N, 1, 1, 1), or arrays of other shapes."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw.")

    def change(self, x, *drawn):
        """The changed images, for symbols of the images and of what was drawn."""
        raise NotImplementedError(f"{type(self).__name__} does not define change.")

    def changed(self, x, need_saved):
        return self.changed_by(x, self.draw(*x.shape), need_saved)

    def changed_by(self, x, drawn, need_saved):
        """`changed` with these random numbers."""
        drawn = [np.asarray(part, self.dtype) for part in drawn]
        parts = [part.reshape(-1, 1, 1, 1) if part.ndim == 1 else np.ascontiguousarray(part) for part in drawn]
        xs = [x, *map(transfer.to_device, parts)]
        arguments = repr(self.get_config())  # `change` reads them, and they may be set anew
        graph = kept(self._drawings, self._draw_change, tuple(part.shape for part in xs), arguments)
        (y,), saved = graph.forward(xs, True, need_saved)
        return y, (graph, saved)

    def _draw_change(self, shapes, arguments):
        return FunctionActivation.draw(lambda symbols: self.change(*symbols), shapes, self.dtype, self.name)

    def backward(self, dy, saved, need_dx=True):
        if saved is None or not need_dx:
            return dy if need_dx else None
        graph, saved = saved
        return graph.backward([dy], saved)[0]


class _Moved(Augmentation):
    """A layer that moves pixels: each image has its own transform, see `ops/affine_transform`."""

    fill_mode, fill_value, interpolation = "constant", 0.0, "nearest"

    def _fill(self, fill_mode, fill_value, interpolation):
        self.fill_mode = checked_choice(fill_mode, _FILL_MODES, "fill_mode")
        self.fill_value = fill_value
        self.interpolation = checked_choice(interpolation, affine_transform.INTERPOLATIONS, "interpolation")

    def draw(self, N) -> tuple[np.ndarray, ...]:
        """The random numbers that `transforms` takes, for N images."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw.")

    def transforms(self, H, W, *drawn) -> np.ndarray:
        """(N, 6): where the pixels of images (H, W) come from."""
        raise NotImplementedError(f"{type(self).__name__} does not define transforms.")

    def changed(self, x, need_saved):
        N, H, W, _ = x.shape
        transforms = transfer.to_device(np.ascontiguousarray(self.transforms(H, W, *self.draw(N)), np.float32))
        return affine_transform.forward(
            x, transforms, (H, W), self.fill_mode, self.fill_value, self.interpolation, need_saved
        )

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else affine_transform.backward(dy, saved, need_dx)


class RandomFlip(_Moved):
    """Mirrors each image with probability 1/2. mode: "horizontal" (left and right), "vertical", or both together."""

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.mode = checked_choice(mode, ("horizontal", "vertical", "horizontal_and_vertical"), "mode")

    def draw(self, N):
        return (self.uniform(N, 0, 1) <= 0.5,)

    def transforms(self, H, W, flips):
        across, down = (flips if word in self.mode else np.zeros_like(flips) for word in ("horizontal", "vertical"))
        return _columns(1 - 2.0 * across, 0, across * (W - 1), 0, 1 - 2.0 * down, down * (H - 1))


class RandomRotation(_Moved):
    """Turns each image around its centre by a random share of a full turn, counterclockwise if it is positive. factor:
    the two limits of the share, or one number for the limits -factor and factor."""

    def __init__(
        self, factor, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0, data_format=None,
        **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.factor = bounds(factor, "factor", -1, 1)
        self._fill(fill_mode, fill_value, interpolation)

    def draw(self, N):
        return (self.uniform(N, self.factor[0] * 360, self.factor[1] * 360),)

    def transforms(self, H, W, degrees):
        radians = np.asarray(degrees, np.float32) * np.float32(math.pi / 180)
        sine, cosine = np.sin(radians), np.cos(radians)
        x, y = np.float32((W - 1) / 2), np.float32((H - 1) / 2)
        return _columns(cosine, -sine, x - x * cosine + y * sine, sine, cosine, y - x * sine - y * cosine)


class RandomZoom(_Moved):
    """Shows more of each image (shares above 0) or less, by a random share. Each factor: the two limits of the share,
    or one number for the limits -factor and factor. Without width_factor the proportions stay."""

    def __init__(
        self, height_factor, width_factor=None, fill_mode="reflect", interpolation="bilinear", seed=None,
        fill_value=0.0, data_format=None, **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._heights = bounds(height_factor, "height_factor", -1, 1)
        self._widths = None if width_factor is None else bounds(width_factor, "width_factor", -1, 1)
        for factor in (height_factor, width_factor):
            if np.any(np.array(factor or 0, np.float64) <= -1):
                raise ValueError(f"A zoom factor must be above -1, because -1 would show nothing; received {factor!r}.")
        self._fill(fill_mode, fill_value, interpolation)

    def draw(self, N):
        heights = 1 + self.uniform(N, *self._heights)
        return heights, heights if self._widths is None else 1 + self.uniform(N, *self._widths)

    def transforms(self, H, W, heights, widths):
        return _columns(
            widths, 0, np.float32((W - 1) / 2) * (1 - widths), 0, heights, np.float32((H - 1) / 2) * (1 - heights)
        )


class RandomTranslation(_Moved):
    """Shifts each image down and to the right, by random shares of its height and width. Each factor: the two limits of
    the share, or one number for the limits -factor and factor."""

    def __init__(
        self, height_factor, width_factor, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0,
        data_format=None, **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._heights = bounds(height_factor, "height_factor", -1, 1)
        self._widths = bounds(width_factor, "width_factor", -1, 1)
        self._fill(fill_mode, fill_value, interpolation)

    def draw(self, N):
        return self.uniform(N, *self._heights), self.uniform(N, *self._widths)

    def transforms(self, H, W, heights, widths):
        return _columns(np.ones_like(widths), 0, -widths * W, 0, 1, -heights * H)


class RandomShear(_Moved):
    """Shifts the rows of each image against each other, and its columns. Each factor, from 0 to 1: the two limits of
    the shift from one row (column) to the next, or one number for the limits -factor and factor."""

    def __init__(
        self, x_factor=0.0, y_factor=0.0, interpolation="bilinear", fill_mode="reflect", fill_value=0.0,
        data_format=None, seed=None, **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.x_factor, self.y_factor = x_factor, y_factor
        self._across, self._down = (_both_ways(f, n) for f, n in ((x_factor, "x_factor"), (y_factor, "y_factor")))
        self._fill(fill_mode, fill_value, interpolation)

    def draw(self, N):
        sign = np.where(self.uniform(N, 0, 1) > 0.5, -1, 1)
        return sign * self.uniform(N, *self._across), sign * self.uniform(N, *self._down)

    def transforms(self, H, W, across, down):
        return _columns(1, across, 0, down, 1, 0)


class RandomContrast(Augmentation):
    """Multiplies each pixel's distance from the mean of its channel by a random number, one for each image, between
    1 - lower and 1 + upper, for factor = (lower, upper). A single number is upper, and lower is 0, as in Keras."""

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.factor, self.value_range = bounds(factor, "factor", 0, 1), checked_range(value_range)

    def draw(self, N):
        """The factor of each of N images."""
        return self.uniform(N, 1 - self.factor[0], 1 + self.factor[1])

    def changed(self, x, need_saved):
        factors = transfer.to_device(np.asarray(self.draw(len(x)), self.dtype))
        return color.contrast_forward(x, factors, *self.value_range, need_saved)

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else color.contrast_backward(dy, saved, need_dx)


class RandomBrightness(Augmentation):
    """Adds to each image a random share of the width of value_range. factor: the two limits of the share, or one number
    for the limits -factor and factor."""

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.factor, self.value_range = bounds(factor, "factor", -1, 1), checked_range(value_range)

    def draw(self, N):
        """The number that is added to each of N images."""
        low, high = self.value_range
        return self.uniform(N, *self.factor) * np.float32(high - low)

    def changed(self, x, need_saved):
        deltas = transfer.to_device(np.asarray(self.draw(len(x)), self.dtype))
        return color.brightness_forward(x, deltas, *self.value_range, need_saved)

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else color.brightness_backward(dy, saved, need_dx)


def _columns(*columns):
    """Six columns side by side, each a number or one number for each image: (N, 6) in float32."""
    return np.stack(np.broadcast_arrays(*(np.asarray(column, np.float32) for column in columns)), axis=1)


def _both_ways(factor, name):
    """The limits -factor and factor, or the two that are given: Keras's files have negative ones."""
    if isinstance(factor, (tuple, list)) and len(factor) == 2:
        return bounds(factor, name, -1, 1)
    _, most = bounds(factor, name, 0, 1)
    return -most, most


def bounds(factor, name, least, most):
    """(lower, upper) from two numbers, or (max(-x, least), x) from one. ValueError outside `least` and `most`."""
    pair = list(factor) if isinstance(factor, (tuple, list)) else [factor]
    numbers = all(isinstance(f, (int, float, np.number)) and not isinstance(f, bool) for f in pair)
    if not numbers or len(pair) > 2 or not all(least <= f <= most for f in pair):
        raise ValueError(
            f"{name} must be a number, or a list of two, between {least} and {most}; received {name}={factor!r}."
        )
    if len(pair) == 1:
        pair = [max(-abs(pair[0]), least), abs(pair[0])]
    return tuple(sorted(float(f) for f in pair))


def checked_range(value_range):
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise ValueError(f"value_range must be the lowest and the highest value; received value_range={value_range!r}.")
    return tuple(sorted(value_range))
