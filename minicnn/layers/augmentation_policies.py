"""Layers that apply other augmentation layers, one after the other or side by side."""

from __future__ import annotations

import numpy as np

from ..ops import merge
from ..runtime import transfer
from .augmentation import (
    Augmentation,
    RandomBrightness,
    RandomContrast,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    bounds,
    checked_range,
)
from .color_augmentation import (
    AutoContrast,
    Equalization,
    RandomColorDegeneration,
    RandomHue,
    RandomPosterization,
    RandomSaturation,
    RandomSharpness,
    Solarization,
)


class _Policy(Augmentation):
    """A layer that holds others, and chooses which of them change the images."""

    def changed(self, x, need_saved):
        saved = []
        for layer in self.chosen():
            x, kept = layer.changed(x, need_saved)
            saved.append((layer, kept))
        return x, saved

    def backward(self, dy, saved, need_dx=True):
        for layer, kept in reversed(saved or []):
            dy = layer.backward(dy, kept, need_dx)
        return dy if need_dx else None

    def chosen(self) -> list:
        """The layers that change the images this time, in order."""
        raise NotImplementedError(f"{type(self).__name__} does not define chosen.")

    def indices(self, count, below):
        """`count` random integers from 0 to `below` - 1."""
        return np.minimum(self.uniform(count, 0, below).astype(int), below - 1)


class RandomColorJitter(_Policy):
    """Changes brightness, contrast, saturation and hue, each if its factor is given; see the layers for these."""

    def __init__(
        self, value_range=(0, 255), brightness_factor=None, contrast_factor=None, saturation_factor=None,
        hue_factor=None, seed=None, data_format=None, **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.value_range = checked_range(value_range)
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        kinds = (
            (RandomBrightness, brightness_factor), (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor), (RandomHue, hue_factor),
        )  # fmt: skip
        self.steps = [
            make(factor, value_range, seed=seed, dtype=self.dtype) for make, factor in kinds if factor is not None
        ]

    def chosen(self):
        return self.steps


def _all_kinds(factor, value_range, interpolation, seed, dtype) -> dict:
    """One layer of each kind that RandAugment and AugMix choose from, all as strong as `factor` says."""
    moved = {"interpolation": interpolation, "seed": seed, "dtype": dtype}
    colored = {"value_range": value_range, "seed": seed, "dtype": dtype}
    bits = max(1, int(8 * factor[1]))
    return {
        "random_shear": RandomShear(factor, factor, **moved),
        "random_translation": RandomTranslation(factor, factor, **moved),
        "random_rotation": RandomRotation(factor, **moved),
        "random_posterization": RandomPosterization(bits, **colored),
        "solarization": Solarization(factor, factor, **colored),
        "auto_contrast": AutoContrast(value_range, dtype=dtype),
        "equalization": Equalization(value_range, dtype=dtype),
        "random_brightness": RandomBrightness(factor, **colored),
        "random_color_degeneration": RandomColorDegeneration(factor, **colored),
        "random_contrast": RandomContrast(factor, **colored),
        "random_sharpness": RandomSharpness(factor, **colored),
    }


_MAY_CHANGE_MEANING = ("random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")


class RandAugment(_Policy):
    """Changes a batch by `num_ops` random layers, one after the other, each as strong as `factor` says.

    Source: Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space", 2020.
    """

    def __init__(
        self, value_range=(0, 255), num_ops=2, factor=0.5, interpolation="bilinear", seed=None, data_format=None,
        **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.value_range, self.num_ops, self.interpolation = checked_range(value_range), num_ops, interpolation
        self.factor = bounds(factor, "factor", 0, 1)
        self.steps = list(_all_kinds(self.factor, self.value_range, interpolation, seed, self.dtype).values())

    def chosen(self):
        return [self.steps[i] for i in self.indices(self.num_ops, len(self.steps))]


class AugMix(_Policy):
    """A random mixture of the images and of `num_chains` versions, each changed by up to `chain_depth` random layers.

    Source: Hendrycks et al., "AugMix: A simple data processing method to improve robustness", 2020.
    """

    def __init__(
        self, value_range=(0, 255), num_chains=3, chain_depth=3, factor=0.3, alpha=1.0, all_ops=True,
        interpolation="bilinear", seed=None, data_format=None, **kwargs,
    ):  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.value_range, self.interpolation, self.alpha = checked_range(value_range), interpolation, alpha
        self.num_chains, self.chain_depth, self.all_ops = num_chains, chain_depth, bool(all_ops)
        self.factor = bounds(factor, "factor", 0, 1)
        kinds = _all_kinds(self.factor, self.value_range, interpolation, seed, self.dtype)
        self.steps = [layer for name, layer in kinds.items() if all_ops or name not in _MAY_CHANGE_MEANING]

    def chosen(self):
        picks = self.indices(self.chain_depth, len(self.steps) + 1)  # the last number is for no change
        return [self.steps[i] for i in picks if i < len(self.steps)]

    def changed(self, x, need_saved):
        generator = np.random.default_rng(int(self._next_key()))
        shares, own = generator.dirichlet([self.alpha] * self.num_chains), generator.beta(self.alpha, self.alpha)
        chains, mixed = [], self._times(x, own)
        for share in shares:
            y, saved = super().changed(x, need_saved)
            weight = (1 - own) * share
            mixed, _ = merge.forward("add", [mixed, self._times(y, weight)], need_saved=False)
            chains.append((weight, saved))
        limits = [transfer.full_like(mixed, limit) for limit in self.value_range]
        mixed, above = merge.forward("maximum", [mixed, limits[0]], need_saved)
        mixed, below = merge.forward("minimum", [mixed, limits[1]], need_saved)
        return mixed, (own, chains, above, below)

    def backward(self, dy, saved, need_dx=True):
        if saved is None or not need_dx:
            return dy if need_dx else None
        own, chains, above, below = saved
        dy = merge.backward("maximum", merge.backward("minimum", dy, below)[0], above)[0]
        dx = self._times(dy, own)
        for weight, kept in chains:
            part = super().backward(self._times(dy, weight), kept)
            dx, _ = merge.forward("add", [dx, part], need_saved=False)
        return dx

    @staticmethod
    def _times(x, number):
        return merge.forward("multiply", [x, transfer.full_like(x, number)], need_saved=False)[0]
