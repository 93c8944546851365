"""The cases of ops/merge, which makes one output of several inputs."""

from __future__ import annotations

import numpy as np
from cases import both_tests, case
from helpers import normal

from minicnn.ops import merge
from minicnn.runtime import transfer


def _merge(kind, shapes, *arguments):
    def run(op, dtype):
        xs = [normal(*shape, seed=i, dtype=dtype) for i, shape in enumerate(shapes)]
        y, saved = getattr(op, f"{kind}_forward")(xs, *arguments)
        dxs = getattr(op, f"{kind}_backward")(normal(*y.shape, seed=9, dtype=dtype), saved)
        return {"y": y, **{f"dx{i}": dx for i, dx in enumerate(dxs)}}

    return run


FROM_POWER = merge.NAMES[merge.NAMES.index("power") :]  # they take two inputs, and not all numbers
for kind in merge.NAMES:
    if kind in FROM_POWER:
        continue
    two = kind in ("subtract", "divide")
    case("merge", kind)(_merge(kind, [(2, 3, 4)] * (2 if two else 3)))
    case("merge", f"{kind}, broadcast")(_merge(kind, [(2, 3, 4, 5), (2, 1, 1, 5), (2, 3, 4, 1)][: 2 if two else 3]))
    if two:
        case("merge", f"{kind}, first broadcast")(_merge(kind, [(1, 1, 4), (2, 3, 4)]))


def _ties(kind):
    def run(op, dtype):
        xs = [np.round(normal(3, 5, seed=i, dtype=dtype)) for i in range(3)]
        y, saved = getattr(op, f"{kind}_forward")(xs)
        dxs = getattr(op, f"{kind}_backward")(normal(3, 5, seed=9, dtype=dtype), saved)
        return {"y": y, **{f"dx{i}": dx for i, dx in enumerate(dxs)}}

    return run


for kind in ("maximum", "minimum"):
    case("merge", f"{kind}, ties")(_ties(kind))


@case("merge", "maximum and minimum of NaN")
def _(op, dtype):
    xs = [normal(3, 5, dtype=dtype), normal(3, 5, seed=1, dtype=dtype)]
    xs[0][0, 0] = xs[1][1, 1] = np.nan
    return {"maximum": op.maximum_forward(xs, False)[0], "minimum": op.minimum_forward(xs, False)[0]}


def _of_two(kind, shapes):
    def run(op, dtype):
        xs = [np.round(2 * normal(*shape, seed=i, dtype=dtype)) / 2 for i, shape in enumerate(shapes)]
        if kind == "power":
            xs[0] = np.abs(xs[0]) + dtype(0.5)
        if kind == "keep_where":
            xs[0][np.broadcast_to(xs[1] == 0, xs[0].shape)] = np.nan
        y, saved = getattr(op, f"{kind}_forward")(xs)
        dxs = getattr(op, f"{kind}_backward")(normal(*y.shape, seed=9, dtype=dtype), saved)
        return {"y": y, **{f"dx{i}": dx for i, dx in enumerate(dxs) if dx is not None}}

    return run


for kind in FROM_POWER:
    case("merge", kind)(_of_two(kind, [(3, 7), (3, 7)]))
    case("merge", f"{kind}, broadcast")(_of_two(kind, [(3, 7), (1, 7)]))
    if kind != "keep_where":
        case("merge", f"{kind}, first broadcast")(_of_two(kind, [(1, 7), (3, 7)]))


@case("merge", "power of zero and below")
def _(op, dtype):
    xs = [np.array([[0, 0, -2, -1, 4]], dtype), np.array([[1, 2, 3, 2, 0.5]], dtype)]
    y, saved = op.power_forward(xs)
    da, db = op.power_backward(np.ones((1, 5), dtype), saved)
    return {"y": y, "da": da, "db": db}


case("merge", "concatenate")(_merge("concatenate", [(2, 3, 4), (2, 3, 1), (2, 3, 7)], -1))
case("merge", "concatenate, middle axis")(_merge("concatenate", [(2, 3, 4), (2, 2, 4)], 1))
case("merge", "concatenate, first axis")(_merge("concatenate", [(2, 3), (1, 3), (4, 3)], 0))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)


def test_a_power_of_a_negative_number_has_no_slope_along_its_exponent(each_backend):
    xs = [np.array([[-2.0, -1.0, 0.0]]), np.array([[3.0, 2.0, 2.0]])]
    y, saved = merge.forward("power", list(map(transfer.to_device, xs)))
    da, db = map(transfer.to_host, merge.backward("power", transfer.full_like(y, 1), saved))
    np.testing.assert_array_equal(da, [[12.0, -2.0, 0.0]])
    np.testing.assert_array_equal(db, [[0.0, 0.0, 0.0]])
