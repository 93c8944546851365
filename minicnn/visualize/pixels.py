"""Draw an image as the computer stores it: a matrix of numbers."""

from __future__ import annotations

import numpy as np

from ..figures import figure_of


def pixels(image, channel=0):
    """Draw one channel of an image (H, W) or (H, W, C) with every pixel's number. At most 64 x 64 pixels."""
    image = np.asarray(image)
    if image.ndim == 3:
        if not 0 <= channel < image.shape[2]:
            raise ValueError(f"channel must be from 0 to {image.shape[2] - 1}; received channel={channel!r}.")
        image = image[..., channel]
    if image.ndim != 2 or max(image.shape) > 64:
        raise ValueError(f"pixels draws up to 64 x 64 pixels; received shape {image.shape}.")
    H, W = image.shape
    whole = np.issubdtype(image.dtype, np.integer) or np.array_equal(image, np.round(image))
    figure = figure_of((max(3, 0.32 * W), max(3, 0.32 * H)))
    axes = figure.subplots()
    axes.imshow(image, cmap="gray", interpolation="nearest")
    middle = (float(image.min()) + float(image.max())) / 2
    for h in range(H):
        for w in range(W):
            number = f"{int(image[h, w])}" if whole else f"{image[h, w]:.2f}".replace("0.", ".")
            axes.text(
                w, h, number, ha="center", va="center", fontsize=6, color="black" if image[h, w] > middle else "white"
            )
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    return figure
