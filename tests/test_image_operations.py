"""The cases of operations that change images: ops/affine_transform, color, resize, rescale and zero_pad2d."""

from __future__ import annotations

import numpy as np
from cases import both_tests, case
from helpers import normal

from minicnn.ops.affine_transform import FILL_MODES


@case("zero_pad2d", "four sides")
def _(op, dtype):
    y, saved = op.forward(normal(2, 3, 4, 5, dtype=dtype), (1, 0, 2, 3))
    return {"y": y, "dx": op.backward(normal(*y.shape, seed=1, dtype=dtype), saved)}


# fill mode, interpolation, x's shape, size of y
MOVED = {
    **{f"{mode}, bilinear": (mode, "bilinear", (2, 5, 7, 3), (4, 9)) for mode in FILL_MODES},
    **{f"{mode}, nearest": (mode, "nearest", (2, 5, 6, 2), (5, 6)) for mode in FILL_MODES},
    "one channel": ("reflect", "bilinear", (1, 8, 8, 1), (8, 8)),
    "one pixel": ("wrap", "bilinear", (2, 1, 1, 2), (3, 2)),
}


def _moved(mode, interpolation, shape, size):
    def run(op, dtype):
        x = normal(*shape, seed=1, dtype=dtype)
        transforms = np.tile([1.0, 0, 0, 0, 1, 0], (shape[0], 1)) + 0.6 * normal(shape[0], 6, seed=2)
        transforms[:, [2, 5]] *= 5
        y, saved = op.forward(x, transforms.astype(dtype), size, mode, 0.25, interpolation)
        return {"y": y, "dx": op.backward(normal(*y.shape, seed=3, dtype=dtype), saved)}

    return run


for name, of_case in MOVED.items():
    case("affine_transform", name)(_moved(*of_case))


@case("color", "contrast")
def _(op, dtype):
    x, factors = normal(3, 4, 5, 2, dtype=dtype), np.array([0.5, 1.0, 1.75], dtype)
    y, saved = op.contrast_forward(x, factors, -1.0, 1.5)
    return {"y": y, "dx": op.contrast_backward(normal(*y.shape, seed=1, dtype=dtype), saved)}


@case("color", "brightness")
def _(op, dtype):
    x, deltas = normal(3, 4, 5, 2, dtype=dtype), np.array([0.5, 0.0, -0.75], dtype)
    y, saved = op.brightness_forward(x, deltas, -1.0, 1.5)
    return {"y": y, "dx": op.brightness_backward(normal(*y.shape, seed=1, dtype=dtype), saved)}


for interpolation in ("bilinear", "nearest"):
    for shape, size in (((2, 5, 7, 3), (8, 4)), ((1, 3, 2, 1), (1, 1)), ((2, 1, 4, 2), (3, 4))):

        @case("resize", f"{interpolation}, {shape[1:3]} to {size}")
        def _(op, dtype, interpolation=interpolation, shape=shape, size=size):
            y, saved = op.forward(normal(*shape, dtype=dtype), size, interpolation)
            return {"y": y, "dx": op.backward(normal(*y.shape, seed=1, dtype=dtype), saved)}


@case("resize", "nearest, infinite numbers are copied")
def _(op, dtype):
    x = normal(1, 2, 3, 2, dtype=dtype)
    x[0, 0, 1, 0], x[0, 1, 2, 1] = np.inf, np.nan
    y, saved = op.forward(x, (4, 6), "nearest")
    dy = normal(*y.shape, seed=1, dtype=dtype)
    dy[0, 3, 1, 0] = -np.inf
    dx = op.backward(dy, saved)
    return {
        "y": np.nan_to_num(y, posinf=1, nan=2), "dx": np.nan_to_num(dx, neginf=3),
        "infinite": np.isinf(y).astype(dtype), "dx infinite": np.isinf(dx).astype(dtype),
    }  # fmt: skip


@case("rescale", "per channel")
def _(op, dtype):
    y, saved = op.forward(normal(2, 3, 4, dtype=dtype), normal(4, seed=1, dtype=dtype), normal(4, seed=2, dtype=dtype))
    return {"y": y, "dx": op.backward(normal(2, 3, 4, seed=3, dtype=dtype), saved)}


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
