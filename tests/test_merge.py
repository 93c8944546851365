"""The cases of ops/merge, which makes one output of several inputs."""

from __future__ import annotations

import numpy as np
from cases import both_tests, case
from helpers import normal

from minicnn.ops import merge


def _merge(kind, shapes, *arguments):
    def run(op, dtype):
        xs = [normal(*shape, seed=i, dtype=dtype) for i, shape in enumerate(shapes)]
        y, saved = getattr(op, f"{kind}_forward")(xs, *arguments)
        dxs = getattr(op, f"{kind}_backward")(normal(*y.shape, seed=9, dtype=dtype), saved)
        return {"y": y, **{f"dx{i}": dx for i, dx in enumerate(dxs)}}

    return run


for kind in merge.NAMES:
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


case("merge", "concatenate")(_merge("concatenate", [(2, 3, 4), (2, 3, 1), (2, 3, 7)], -1))
case("merge", "concatenate, middle axis")(_merge("concatenate", [(2, 3, 4), (2, 2, 4)], 1))
case("merge", "concatenate, first axis")(_merge("concatenate", [(2, 3), (1, 3), (4, 3)], 0))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
