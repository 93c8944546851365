"""The affine transform in NumPy: the definition. For each place it adds four pixels, or one, times their weights."""

from __future__ import annotations

import numpy as np

from . import FILL_MODES
from .formulas import CONSTANT, CUT, NEAREST, REFLECT, WRAP


def forward(x, transforms, size, fill_mode="reflect", fill_value=0.0, interpolation="bilinear", need_saved=True):
    from_where = _picked(x.shape, transforms, size, fill_mode, interpolation)
    y = np.zeros((len(x), *size, x.shape[3]), x.dtype)
    images = np.arange(len(x))[:, None, None]
    for rows, columns, weights, inside in from_where:
        pixels = np.where(inside[..., None], x[images, rows, columns], x.dtype.type(fill_value))
        y += weights[..., None].astype(x.dtype) * pixels
    return y, ((x.shape, from_where) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    shape, from_where = saved
    dx = np.zeros(shape, dy.dtype)
    images = np.arange(shape[0])[:, None, None]
    for rows, columns, weights, inside in from_where:
        np.add.at(dx, (images, rows, columns), (weights * inside)[..., None].astype(dy.dtype) * dy)
    return dx


def _picked(shape, transforms, size, fill_mode, interpolation):
    """[(rows, columns, weights, inside)], each (N, OH, OW): the pixels that each pixel of y is mixed from."""
    _, H, W, _ = shape
    mode = mode_number(fill_mode)
    real = transforms.dtype.type
    w, h = np.arange(size[1]).astype(real)[None, None], np.arange(size[0]).astype(real)[None, :, None]
    a0, a1, a2, b0, b1, b2 = (transforms[:, i, None, None] for i in range(6))
    across, down = a0 * w + a1 * h + a2, b0 * w + b1 * h + b2
    everywhere = np.ones(across.shape, bool)
    if mode == CUT:
        everywhere = (across >= 0) & (across <= W - 1) & (down >= 0) & (down <= H - 1)
    across, down = _folded(across, W, mode), _folded(down, H, mode)
    if interpolation == "nearest":
        return [_pixel(_beside(down), _beside(across), np.ones(across.shape, real), everywhere, H, W, mode)]
    row, column = np.floor(down), np.floor(across)
    lower, right = down - row, across - column
    return [
        _pixel(row + i, column + j, vertical * horizontal, everywhere, H, W, mode)
        for i, vertical in ((0, 1 - lower), (1, lower))
        for j, horizontal in ((0, 1 - right), (1, right))
    ]


def _pixel(rows, columns, weights, inside, H, W, mode):
    if mode == CONSTANT:
        inside = inside & (rows >= 0) & (rows < H) & (columns >= 0) & (columns < W)
    return np.clip(rows, 0, H - 1).astype(np.int64), np.clip(columns, 0, W - 1).astype(np.int64), weights, inside


def _beside(place):
    return np.trunc(place + np.copysign(place.dtype.type(0.5), place))


def _folded(place, length, mode):
    """`formulas.folded` for arrays."""
    if mode in (CONSTANT, CUT):
        return place
    last = place.dtype.type(length - 1)
    if length == 1:
        return np.zeros_like(place)
    if mode == REFLECT:
        both = place.dtype.type(2 * length)
        negative = place + both * np.trunc(-place / both)
        negative = np.where(negative < -length, negative + both, -negative - 1)
        positive = place - both * np.trunc(place / both)
        positive = np.where(positive >= length, both - positive - 1, positive)
    elif mode == NEAREST:
        negative = positive = place
    else:
        period = place.dtype.type(length if mode == WRAP else length - 1)
        negative = place + period * (np.trunc(-place / last) + 1)
        positive = place - period * np.trunc(place / last)
    outside = np.clip(np.where(place < 0, negative, positive), 0, last)
    return np.where((place >= 0) & (place <= last), place, outside).astype(place.dtype)


def mode_number(fill_mode):
    """The number of a fill mode in `formulas.py`."""
    return FILL_MODES.index(fill_mode)
