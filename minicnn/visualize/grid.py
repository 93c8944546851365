"""Draw many small images in one figure."""

from __future__ import annotations

import math

import numpy as np

from ..figures import figure_of


def shown(image) -> np.ndarray:
    """An image (H, W), (H, W, 1) or (H, W, 3) as matplotlib takes it: grey (H, W), or colours from 0 to 1."""
    image = np.asarray(image, np.float64)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"An image is (H, W), (H, W, 1) or (H, W, 3); received shape {image.shape}.")
    if image.ndim == 3 and (image.min() < 0 or image.max() > 1):
        image = image / 255 if image.min() >= 0 and image.max() > 1.5 else scaled(image)
    return np.clip(image, 0, 1) if image.ndim == 3 else image


def scaled(image) -> np.ndarray:
    """The numbers, stretched to the range from 0 to 1."""
    low, high = float(image.min()), float(image.max())
    return (image - low) / (high - low) if high > low else np.zeros_like(image)


def grid(images, titles=None, columns=8, size=1.1, limits=None, colours=None):
    """A figure of images side by side. titles, colours: one for each image; limits: (low, high) of the grey scale."""
    images = list(images)
    columns = max(1, min(columns, len(images)))
    rows = math.ceil(len(images) / columns)
    extra = 0.25 * max((title.count("\n") + 1 for title in titles), default=0) if titles else 0
    figure = figure_of((columns * size + 0.2, rows * (size + extra) + 0.3))
    axes = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).reshape(-1)
    for axis in axes:
        axis.axis("off")
    low, high = limits or (None, None)
    for i, image in enumerate(images):
        axes[i].imshow(shown(image), cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        if titles:
            axes[i].set_title(titles[i], fontsize=8, color=colours[i] if colours else "black")
    return figure
