"""Turn, shift, shear, zoom and mirror one image in a single pass."""

from __future__ import annotations

import math

import numpy as np

from ..ops.affine_transform.cpu import resample_one

_FILL_MODES = {"nearest": "nearest", "reflect": "reflect", "constant": "cut", "wrap": "wrap_between"}  # SciPy's: ours


def apply_affine_transform(
    x, theta=0, tx=0, ty=0, shear=0, zx=1, zy=1, row_axis=0, col_axis=1, channel_axis=2, fill_mode="nearest",
    cval=0.0, order=1,
) -> np.ndarray:  # fmt: skip
    """Transform an image x (H, W, C). Angles are in degrees and shifts in pixels; zooms above 1 show more.

    The result has the same numbers as Keras's function of this name. As in Keras, tx shifts along the columns.
    order: 1 mixes neighbouring pixels, 0 takes the nearest pixel.
    """
    if (row_axis, col_axis, channel_axis) != (0, 1, 2):
        raise ValueError("Images are (H, W, C) here: row_axis=0, col_axis=1, channel_axis=2.")
    return transformed(x, matrix(theta, tx, ty, shear, zx, zy), fill_mode=fill_mode, cval=cval, order=order)


def matrix(theta=0, tx=0, ty=0, shear=0, zx=1, zy=1) -> np.ndarray | None:
    """The matrix (3, 3) that maps a place in the result to its place in the image, or None for no change.

    Places are homogeneous coordinates around the image's centre.
    """
    product = None
    turn, lean = math.radians(theta), math.radians(shear)
    for changes, factor in (
        (theta != 0, [[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]]),
        (tx != 0 or ty != 0, [[1, 0, tx], [0, 1, ty], [0, 0, 1]]),
        (shear != 0, [[1, -math.sin(lean), 0], [0, math.cos(lean), 0], [0, 0, 1]]),
        (zx != 1 or zy != 1, [[zx, 0, 0], [0, zy, 0], [0, 0, 1]]),
    ):
        if changes:
            product = np.array(factor, np.float64) if product is None else product @ np.array(factor, np.float64)
    return product


def transformed(
    x, change, flip_horizontal=False, flip_vertical=False, fill_mode="nearest", cval=0.0, order=1, out=None
) -> np.ndarray:
    """Transform an image x (H, W, C) by the matrix `change` (or None), then mirror it.

    The result is written to out, an array of x's shape and a float type, or to a new array of x's type. In a new array
    of integers it is rounded.
    """
    checked_ways(fill_mode, order)
    x = np.asarray(x)
    if out is None:
        if x.dtype in (np.float32, np.float64):
            return transformed(x, change, flip_horizontal, flip_vertical, fill_mode, cval, order, np.empty_like(x))
        made = np.empty(x.shape, np.float64 if x.dtype.itemsize > 2 else np.float32)
        transformed(x, change, flip_horizontal, flip_vertical, fill_mode, cval, order, made)
        if x.dtype.kind in "iu":
            made = np.clip(np.rint(made), np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
        return made.astype(x.dtype)
    if change is None:
        out[...] = x[:: -1 if flip_vertical else 1, :: -1 if flip_horizontal else 1]
        return out
    H, W, _ = x.shape
    across, down = H / 2 - 0.5, W / 2 - 0.5  # the centre, with height and width in Keras's order
    a = change[:2, :2]
    offset = change[:2, 2] + (across, down) - a @ (across, down)
    horizontal = np.array([a[0, 0], a[0, 1], offset[0]])
    vertical = np.array([a[1, 0], a[1, 1], offset[1]])
    for flip, place, size in ((flip_horizontal, 0, W), (flip_vertical, 1, H)):
        if flip:
            for row in (horizontal, vertical):
                row[2] += row[place] * (size - 1)
                row[place] = -row[place]
    image = np.ascontiguousarray(x if x.dtype in (np.uint8, np.float32, np.float64) else x.astype(np.float64))
    interpolation = "nearest" if order == 0 else "bilinear"
    resample_one(image, np.concatenate([horizontal, vertical]), _FILL_MODES[fill_mode], cval, interpolation, out)
    return out


def checked_ways(fill_mode, order) -> None:
    """ValueError for an unknown fill mode or order of interpolation."""
    if fill_mode not in _FILL_MODES:
        raise ValueError(f"fill_mode must be one of {', '.join(_FILL_MODES)}; received fill_mode={fill_mode!r}.")
    if order not in (0, 1):
        raise ValueError(f"Images are interpolated by order 0 (the nearest pixel) or 1; received order={order!r}.")
