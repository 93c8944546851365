"""Draw a convolution's kernels as images."""

from __future__ import annotations

import numpy as np

from ..layers import Conv2D, DepthwiseConv2D
from .grid import grid, scaled


def filters(layer, channel=None, columns=8):
    """Draw the kernel (KH, KW, C, F) of a convolution, one image for each filter.

    With three channels, and no `channel` given, images are in colour, each in its own range. Otherwise they show one
    channel (the first unless given), all on one scale from black to white, where the middle grey is zero.
    """
    if not isinstance(layer, (Conv2D, DepthwiseConv2D)) or not layer.built:
        raise ValueError(f"filters draws a built convolution; received {layer!r}.")
    kernel = layer.kernel.numpy()
    titles = [str(i) for i in range(kernel.shape[3])]
    if kernel.shape[2] == 3 and channel is None:
        return grid([scaled(kernel[..., i]) for i in range(kernel.shape[3])], titles, columns)
    channel = channel or 0
    if not 0 <= channel < kernel.shape[2]:
        raise ValueError(f"channel must be from 0 to {kernel.shape[2] - 1}; received channel={channel!r}.")
    largest = float(np.abs(kernel[:, :, channel]).max()) or 1.0
    images = [kernel[:, :, channel, i] for i in range(kernel.shape[3])]
    return grid(images, titles, columns, limits=(-largest, largest))
