"""Layers that erase parts of images at random, or mix images with each other. `x` and what was drawn are symbols in
`change`."""

from __future__ import annotations

import numpy as np

from .. import ops
from .augmentation import Computed, bounds, checked_range


class _Boxes(Computed):
    """A layer that draws a box in each image."""

    def boxes(self, shares, H, W):
        """(masks (N, H, W, 1) of boxes at random places, the share of the image that each covers). shares (N, 2): the
        boxes' widths and heights as shares of the image's."""
        masks, covered = np.ones((len(shares), H, W, 1), bool), 1.0
        for size, axis, share in ((W, 2, shares[:, 0]), (H, 1, shares[:, 1])):
            length = (share * size).astype(np.float32)
            start = self.uniform(len(shares), 0, 1) * (size - length)
            places = np.arange(size).reshape((1, 1, size, 1) if axis == 2 else (1, size, 1, 1))
            first, end = start.reshape(-1, 1, 1, 1), (start + length).reshape(-1, 1, 1, 1)
            masks &= (places >= first) & (places < end)
            covered = covered * length / size
        return masks, covered

    def generator(self):
        """A NumPy generator for the distributions that `uniform` does not have."""
        return np.random.default_rng(int(self._next_key()))


class RandomErasing(_Boxes):
    """Fills a box at a random place of each image with probability `factor`. scale: the limits of the box's share of
    the image; fill_value: a number, one for each channel, or None for noise."""

    def __init__(
        self, factor=1.0, scale=(0.02, 0.33), fill_value=None, value_range=(0, 255), seed=None, data_format=None,
        **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.factor, self.scale = bounds(factor, "factor", 0, 1), bounds(scale, "scale", 0, 1)
        self.fill_value, self.value_range = fill_value, checked_range(value_range)
        if fill_value is not None and np.ndim(fill_value) > 1:
            raise ValueError(f"fill_value is a number, or one for each channel; received fill_value={fill_value!r}.")

    def draw(self, N, H, W, C):
        shares = np.sqrt(np.stack([self.uniform(N, *self.scale), self.uniform(N, *self.scale)], 1))
        masks, _ = self.boxes(shares, H, W)
        chosen = self.uniform(N, 0, 1) < self.uniform(N, *self.factor)
        fill = self.fill_value
        if fill is None:
            fill = self.generator().standard_normal((N, H, W, C), np.float32) * self.value_range[1]
        fill = np.clip(np.asarray(fill, np.float32), *self.value_range)
        return masks & chosen.reshape(-1, 1, 1, 1), fill.reshape(1, 1, 1, -1) if fill.ndim < 2 else fill

    def change(self, x, masks, fill):
        return ops.where(masks > 0.5, fill, x)


class _Mixing(_Boxes):
    """A layer that mixes images with others of the batch. Called on a dictionary {"images", "labels"}, it mixes the
    labels, one-hot rows (N, classes), by the same shares."""

    def __call__(self, inputs, training=None):
        if not isinstance(inputs, dict) or (training is not None and not training):
            return super().__call__(inputs, training=training)
        if np.ndim(inputs["images"]) == 3:  # one image and its labels
            mixed = self({name: np.asarray(part)[None] for name, part in inputs.items()}, training)
            return {name: part[0] for name, part in mixed.items()}
        images = self._as_input(inputs["images"])
        self.build_for(images.shape)
        drawn, order, shares = self.mixture(*images.shape)
        y, _ = self.changed_by(images, drawn, False)
        mixed = {**inputs, "images": np.array(y)}
        if "labels" in inputs:
            labels = np.asarray(inputs["labels"], self.dtype)
            rows = shares.reshape(-1, *[1] * (labels.ndim - 1)).astype(self.dtype)
            mixed["labels"] = rows * labels + (1 - rows) * labels[order]
        return mixed

    def mixture(self, N, H, W, C):
        """(what `change` takes, the order of the other images, each image's own share of the mixture)."""
        raise NotImplementedError(f"{type(self).__name__} does not define mixture.")

    def draw(self, N, H, W, C):
        return self.mixture(N, H, W, C)[0]

    @staticmethod
    def others(x, order):
        """The images in another order, which is a matrix (N, N) with a 1 in each row."""
        return ops.reshape(ops.matmul(order, ops.reshape(x, (x.shape[0], -1))), x.shape)


class MixUp(_Mixing):
    """w * image + (1 - w) * another image of the batch; w is drawn from the beta distribution with alpha = beta.

    Source: Zhang et al., "mixup: Beyond empirical risk minimization", 2018.
    """

    def __init__(self, alpha=0.2, data_format=None, seed=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.alpha = alpha

    def mixture(self, N, H, W, C):
        generator = self.generator()
        order, shares = generator.permutation(N), generator.beta(self.alpha, self.alpha, N)
        return (shares, np.eye(N)[order]), order, shares

    def change(self, x, shares, order):
        return shares * x + (1.0 - shares) * self.others(x, order)


class CutMix(_Mixing):
    """Each image with a box at a random place that comes from another image of the batch.

    Source: Yun et al., "CutMix: Regularization strategy to train strong classifiers with localizable features", 2019.
    """

    def __init__(self, factor=1.0, seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.factor = bounds(factor, "factor", 0, 1)

    def mixture(self, N, H, W, C):
        generator = self.generator()
        alpha = float(self.uniform(1, *self.factor)[0]) + 1e-6
        side = np.sqrt(1 - generator.beta(alpha, alpha, N))
        masks, covered = self.boxes(np.stack([side, side], 1), H, W)
        order = generator.permutation(N)
        return (masks, np.eye(N)[order]), order, 1 - covered

    def change(self, x, masks, order):
        return ops.where(masks > 0.5, self.others(x, order), x)
