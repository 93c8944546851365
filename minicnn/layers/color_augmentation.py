"""Layers that change colours and sharpness of images at random. `x` and what was drawn are symbols in `change`.

Each `factor` is the two limits between which a number is drawn for each image, or one number for the upper limit (and
its negative for the lower one, where that makes sense). value_range: the lowest and the highest value of a pixel.
"""

from __future__ import annotations

import numpy as np

from .. import config, ops
from ..runtime import transfer
from .augmentation import Augmentation, Computed, bounds, checked_range

_SHARPEN = np.full((3, 3, 1, 1), 1 / 13)  # a mean of nine pixels; the middle one counts five times
_SHARPEN[1, 1] = 5 / 13


class _Colors(Computed):
    """A layer with one factor and a value_range."""

    least = -1.0

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.factor, self.value_range = bounds(factor, "factor", self.least, 1), checked_range(value_range)

    def draw(self, N, H, W, C):
        return (self.uniform(N, *self.factor),)

    def in_range(self, x):
        return ops.clip(x, *self.value_range)

    def to_255(self, x):
        """x with numbers from 0 to 255 in the place of those of value_range."""
        low, high = self.value_range
        return (x - low) * (255 / (high - low))

    def from_255(self, x):
        """The inverse of `to_255`."""
        low, high = self.value_range
        return x * ((high - low) / 255) + low


class RandomHue(_Colors):
    """Turns all colours of an image by a random share of half the colour circle, in a random direction."""

    least = 0.0

    def draw(self, N, H, W, C):
        sign = np.where(self.uniform(N, 0, 1) > 0.5, -1, 1)
        return (sign * self.uniform(N, *self.factor) * 0.5,)

    def change(self, x, turn):
        low, high = self.value_range
        hsv = ops.image.rgb_to_hsv((x - low) / (high - low))
        hue = hsv[..., :1] + turn
        hue = ops.where(hue > 1.0, hue - 1.0, hue)
        hue = ops.where(hue < 0.0, hue + 1.0, hue)
        rgb = ops.image.hsv_to_rgb(ops.concatenate([hue, hsv[..., 1:]], -1))
        return ops.clip(rgb, 0.0, 1.0) * (high - low) + low


class RandomSaturation(_Colors):
    """Multiplies the saturation of each image by f / (1 - f): 0 makes it grey, 0.5 leaves it as it is."""

    def draw(self, N, H, W, C):
        factor = self.uniform(N, *self.factor)
        return (factor / (1 - factor + config.epsilon()),)

    def change(self, x, factor):
        hsv = ops.image.rgb_to_hsv(x)
        saturation = self.in_range(hsv[..., 1:2] * factor)
        return ops.image.hsv_to_rgb(ops.concatenate([hsv[..., :1], saturation, hsv[..., 2:]], -1))


class RandomColorDegeneration(_Colors):
    """Mixes each image with its grey image: a factor of 0 leaves it as it is, 1 makes it grey."""

    def change(self, x, factor):
        return self.in_range(x + factor * (ops.image.rgb_to_grayscale(x) - x))


class RandomGrayscale(Computed):
    """Makes each image grey with probability `factor`."""

    def __init__(self, factor=0.5, data_format=None, seed=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        if not 0 <= factor <= 1:
            raise ValueError(f"factor must be between 0 and 1; received factor={factor!r}.")
        self.factor = factor

    def draw(self, N, H, W, C):
        return (self.uniform(N, 0, 1) < self.factor,)

    def change(self, x, chosen):
        return ops.where(chosen > 0.5, ops.image.rgb_to_grayscale(x), x)


class RandomInvert(_Colors):
    """Replaces each image by its negative with probability `factor`; two limits are those of the probability."""

    least = 0.0

    def __init__(self, factor=1.0, value_range=(0, 255), seed=None, data_format=None, **kwargs):
        super().__init__(factor, value_range, data_format, seed, **kwargs)

    def draw(self, N, H, W, C):
        return (self.chosen(N),)

    def chosen(self, N):
        """For N images whether each is changed."""
        return self.uniform(N, 0, 1) < self.uniform(N, *self.factor)

    def change(self, x, chosen):
        return ops.where(chosen > 0.5, self.value_range[1] - x, x)


class RandomPosterization(_Colors):
    """Keeps only the `factor` highest of the eight bits of each number. factor: an integer from 1 to 8, or two."""

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(0.0, value_range, data_format, seed, **kwargs)
        self.factor = tuple(int(f) for f in bounds(factor, "factor", 1, 8))

    def draw(self, N, H, W, C):
        low, high = self.factor
        bits = low if low == high else np.floor(self.uniform(N, low, high))
        return (np.broadcast_to(np.exp2(8.0 - bits), (N,)),)

    def change(self, x, step):
        return self.from_255(ops.floor(ops.floor(self.to_255(x)) / step) * step)


class Solarization(_Colors):
    """Adds a random number to each image, then replaces what is not below a random threshold by its negative. Both
    factors, from 0 to 1, are shares of the width of value_range."""

    def __init__(self, addition_factor=0.0, threshold_factor=0.0, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(0.0, value_range, seed=seed, **kwargs)
        self.addition_factor, self.threshold_factor = (
            (0.0, limits[1]) if isinstance(factor, (int, float)) else limits
            for factor, limits in (
                (addition_factor, bounds(addition_factor, "addition_factor", 0, 1)),
                (threshold_factor, bounds(threshold_factor, "threshold_factor", 0, 1)),
            )
        )

    _not_in_config = (*Computed._not_in_config, "factor")

    def draw(self, N, H, W, C):
        limits = [(low, high * 255) for low, high in (self.addition_factor, self.threshold_factor)]  # as in Keras
        return self.uniform(N, *limits[0]), self.uniform(N, *limits[1])

    def change(self, x, addition, threshold):
        y = ops.clip(self.to_255(x) + addition, 0.0, 255.0)
        return self.from_255(ops.where(y < threshold, y, 255.0 - y))


class RandomSharpness(_Colors):
    """Blurs each image (factors below 0.5) or sharpens it (above)."""

    least = 0.0

    def change(self, x, factor):
        kernel = np.tile(_SHARPEN, (1, 1, x.shape[-1], 1)).astype(self.dtype)
        smooth = ops.depthwise_conv(x, kernel, padding="same")
        return self.in_range(x + (1.0 - 2.0 * factor) * (smooth - x))


class RandomGaussianBlur(RandomInvert):
    """Blurs each image with probability `factor`. sigma: the limits of the deviation in pixels, drawn once for all
    images; kernel_size: an odd number of pixels, or two, for rows and columns."""

    def __init__(
        self, factor=1.0, kernel_size=3, sigma=1.0, value_range=(0, 255), data_format=None, seed=None, **kwargs
    ):
        super().__init__(factor, value_range, seed, data_format, **kwargs)
        self.kernel_size = tuple(kernel_size) if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * 2
        if len(self.kernel_size) != 2 or not all(isinstance(k, int) and k > 0 and k % 2 for k in self.kernel_size):
            raise ValueError(f"kernel_size must be an odd number, or two; received kernel_size={kernel_size!r}.")
        self.sigma = bounds(sigma, "sigma", 0, 1)

    def draw(self, N, H, W, C):
        sigma = self.uniform(2, *self.sigma) + 1e-6
        return self.chosen(N), ops.image.gaussian_kernel(self.kernel_size, sigma, C)

    def change(self, x, chosen, kernel):
        return self.in_range(ops.where(chosen > 0.5, ops.depthwise_conv(x, kernel, padding="same"), x))


class AutoContrast(_Colors):
    """Stretches each channel of each image to the whole value_range: not at random, and as in Keras always."""

    def __init__(self, value_range=(0, 255), **kwargs):
        super().__init__(0.0, value_range, **kwargs)

    _not_in_config = (*Computed._not_in_config, "factor", "seed")

    def forward(self, x, training=False, need_saved=True):
        return self.changed(x, bool(need_saved))

    def draw(self, N, H, W, C):
        return ()

    def change(self, x):
        low, high = ops.min(x, axis=(1, 2), keepdims=True), ops.max(x, axis=(1, 2), keepdims=True)
        flat = ops.equal(low, high)
        scale = (self.value_range[1] - self.value_range[0]) / ops.where(flat, 1.0, high - low)
        return ops.where(flat, x, self.in_range((x - low) * scale + self.value_range[0]))


class Equalization(Augmentation):
    """Changes the numbers of each channel of the whole batch so that all of them, from the lowest to the highest of
    value_range, become about equally frequent. Numbers are counted in `bins` steps. No gradient comes back."""

    def __init__(self, value_range=(0, 255), bins=256, data_format=None, **kwargs):
        super().__init__(None, data_format, **kwargs)
        self.value_range, self.bins = checked_range(value_range), bins

    _not_in_config = (*Augmentation._not_in_config, "seed")

    def changed(self, x, need_saved):
        low, high = self.value_range
        scaled = (np.asarray(transfer.to_host(x)) - low) * (255 / (high - low))
        made = np.stack([self._equalized(scaled[..., i]) for i in range(scaled.shape[-1])], -1)
        return transfer.to_device((made * ((high - low) / 255) + low).astype(self.dtype)), ()

    def _equalized(self, channel):
        steps = np.clip((channel * (self.bins - 1) / 255).astype(np.int64), 0, self.bins - 1)
        counts = np.bincount(steps.reshape(-1), minlength=self.bins)
        if np.count_nonzero(counts) <= 1:
            return channel
        below = np.cumsum(counts)
        first = below[np.flatnonzero(below)[0]]
        return np.clip(np.round((below - first) * 255 / max(below[-1] - first, 1)), 0, 255)[steps]

    def backward(self, dy, saved, need_dx=True):
        if saved is None or not need_dx:
            return dy if need_dx else None
        return transfer.full_like(dy, 0)
