"""The cases of ops/max_pool2d, ops/avg_pool2d and ops/global_pool2d."""

from __future__ import annotations

import numpy as np
from cases import both_tests, case
from helpers import normal, with_nan

# x (N, H, W, C), pool, strides, padding
POOLS = {
    "many channels": ((2, 6, 5, 37), (3, 2), (2, 2), "same"),
    "ordinary": ((2, 6, 6, 3), (2, 2), (2, 2), "valid"),
    "all sizes one": ((1, 1, 1, 1), (1, 1), (1, 1), "valid"),
    "overlapping": ((2, 5, 7, 2), (3, 3), (1, 1), "same"),
    "overlapping, stride 2": ((1, 8, 6, 2), (3, 3), (2, 2), "same"),
    "uneven padding": ((1, 7, 5, 1), (4, 2), (3, 2), "same"),
    "a rest is left out": ((3, 7, 9, 2), (2, 3), (2, 3), "valid"),
    "gaps between windows": ((2, 9, 8, 2), (2, 2), (3, 4), "valid"),
    "pool larger than image": ((1, 2, 3, 2), (5, 5), (1, 1), "same"),
    "more than 256 cells": ((1, 19, 18, 3), (17, 18), (1, 1), "valid"),
    "whole image": ((2, 4, 3, 5), (4, 3), (4, 3), "valid"),
}


def _pool(sizes, values):
    x_shape, pool, strides, padding = sizes

    def run(op, dtype):
        y, saved = op.forward(values(*x_shape).astype(dtype), pool, strides, padding)
        return {"y": y, "dx": op.backward(normal(*y.shape, seed=2, dtype=dtype), saved)}

    return run


def _negative(*shape):
    return -1 - np.abs(normal(*shape, seed=1))


def _with_ties(*shape):
    return np.random.default_rng(1).integers(0, 3, shape).astype(float)


for name, sizes in POOLS.items():
    for values in (normal, _negative, _with_ties, with_nan):
        case("max_pool2d", f"{name}, {values.__name__.strip('_')}")(_pool(sizes, values))
    case("avg_pool2d", name)(_pool(sizes, normal))


def _global_pool(kind, shape, values):
    def run(op, dtype):
        y, saved = getattr(op, f"{kind}_forward")(values(*shape).astype(dtype))
        return {"y": y, "dx": getattr(op, f"{kind}_backward")(normal(*y.shape, seed=2, dtype=dtype), saved)}

    return run


for shape in ((2, 3, 5, 4), (1, 1, 1, 1), (3, 7, 2, 1), (2, 3, 4, 37)):
    case("global_pool2d", f"average {shape}")(_global_pool("average", shape, normal))
    case("global_pool2d", f"maximum {shape}")(_global_pool("maximum", shape, normal))
    case("global_pool2d", f"maximum {shape}, ties")(_global_pool("maximum", shape, _with_ties))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
