"""The cases of ops/dense."""

from __future__ import annotations

from cases import both_tests, case
from helpers import normal


def _dense(shape, units, relu, bias):
    def run(op, dtype):
        b = normal(units, seed=3, dtype=dtype) if bias else None
        y, saved = op.forward(normal(*shape, dtype=dtype), normal(shape[-1], units, seed=2, dtype=dtype), b, relu)
        dx, dw, db = op.backward(normal(*y.shape, seed=4, dtype=dtype), saved)
        return {"y": y, "dx": dx, "dw": dw, "db": db}

    return run


for shape, units in (((0, 7), 3), ((4, 7), 3), ((1, 1), 1), ((2, 3, 4), 5), ((33, 50), 19), ((9, 130), 70)):
    case("dense", f"{shape} to {units}")(_dense(shape, units, False, True))
case("dense", "relu")(_dense((5, 6), 7, True, True))
case("dense", "no bias")(_dense((5, 6), 7, False, False))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
