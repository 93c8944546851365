"""The cases of ops/dropout and ops/noise: the same random numbers in every variant."""

from __future__ import annotations

from cases import both_tests, case
from helpers import normal

from minicnn.kernels.random import stream_key


@case("dropout", "elements")
def _(op, dtype):
    y, saved = op.forward(normal(3, 4, 5, dtype=dtype), 0.4, stream_key(1, 2))
    return {"y": y, "dx": op.backward(normal(3, 4, 5, seed=1, dtype=dtype), saved)}


@case("dropout", "channels")
def _(op, dtype):
    y, saved = op.forward(normal(2, 3, 4, 5, dtype=dtype), 0.4, stream_key(1, 2), (2, 1, 1, 5))
    return {"y": y, "dx": op.backward(normal(2, 3, 4, 5, seed=1, dtype=dtype), saved)}


@case("dropout", "everything dropped")
def _(op, dtype):
    y, saved = op.forward(normal(3, 4, dtype=dtype), 1.0, stream_key(1, 2))
    return {"y": y, "dx": op.backward(normal(3, 4, seed=1, dtype=dtype), saved)}


def _noise(kind, *arguments):
    def run(op, dtype):
        y, saved = getattr(op, f"{kind}_forward")(normal(2, 3, 4, dtype=dtype), *arguments)
        return {"y": y, "dx": getattr(op, f"{kind}_backward")(normal(2, 3, 4, seed=1, dtype=dtype), saved)}

    return run


case("noise", "added")(_noise("added", 0.3, stream_key(1, 2)))
case("noise", "multiplied")(_noise("multiplied", 0.3, stream_key(1, 2)))
case("noise", "alpha")(_noise("alpha", 0.3, stream_key(1, 2)))
case("noise", "alpha, together")(_noise("alpha", 0.3, stream_key(1, 2), (2, 1, 4)))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
