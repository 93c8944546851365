"""The cases of ops/elementwise, reduce, moves and matrix_product, which are behind functions of `minicnn.ops`."""

from __future__ import annotations

import numpy as np
import pytest
from cases import both_tests, case, module
from helpers import assert_close, normal

from minicnn.ops import elementwise, reduce
from minicnn.ops.elementwise import formulas
from minicnn.ops.elementwise.vectorized import FUNCTIONS
from minicnn.ops.moves.tables import Table
from minicnn.runtime import transfer

POSITIVE = ("sqrt", "rsqrt", "log", "log1p")


def _of_one_number(name, size):
    def run(op, dtype):
        x = 2 * normal(*size, dtype=dtype)
        if name in POSITIVE:
            x = np.abs(x) + dtype(0.01)
        if name == "reciprocal":
            x += np.copysign(dtype(0.1), x)
        y, saved = getattr(op, f"{name}_forward")(x)
        return {"y": y, "dx": getattr(op, f"{name}_backward")(normal(*size, seed=1, dtype=dtype), saved)}

    return run


for name in elementwise.NAMES:
    case("elementwise", name)(_of_one_number(name, (3, 7, 5)))
case("elementwise", "square, many numbers")(_of_one_number("square", (70, 300)))


@case("elementwise", "steps at halves, and signs of zero")
def _(op, dtype):
    x = np.array([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.0, -7.0, 1e6 + 0.5], dtype)
    found = {name: getattr(op, f"{name}_forward")(x)[0] for name in ("round", "floor", "ceil", "trunc", "sign")}
    dx = op.absolute_backward(np.ones_like(x), op.absolute_forward(x)[1])
    return {**found, "dx of absolute": dx}


SHAPES = {"middle": (3, 4, 5), "rows": (6, 7, 1), "columns": (1, 9, 3), "one number": (2, 1, 2), "all": (1, 40, 1)}


def _reduced(name, shape, ties=False):
    def run(op, dtype):
        x = normal(*shape, dtype=dtype)
        if ties:
            x = np.round(x.clip(-1, 1))
        if "arg" in name:
            x = np.random.default_rng(0).permuted(np.arange(x.size)).reshape(shape).astype(dtype)
        y, saved = getattr(op, f"{name}_forward")(x)
        return {"y": y, "dx": getattr(op, f"{name}_backward")(normal(*y.shape, seed=1, dtype=dtype), saved)}

    return run


for name in reduce.NAMES:
    for kind, shape in SHAPES.items():
        case("reduce", f"{name}, {kind}")(_reduced(name, shape))
for name in ("max", "min", "prod", "argmax", "argmin"):
    case("reduce", f"{name}, equal numbers")(_reduced(name, (3, 8, 2), ties=True))
for name in ("sum", "mean"):
    case("reduce", f"{name}, in pieces")(_reduced(name, (1, 50000, 1)))
    case("reduce", f"{name}, pieces of columns")(_reduced(name, (2, 9000, 3)))


@case("reduce", "largest and smallest of NaN")
def _(op, dtype):
    x = normal(2, 5, 3, dtype=dtype)
    x[0, 2, 1] = x[1, 0, 0] = x[1, 3, 0] = np.nan
    return {name: getattr(op, f"{name}_forward")(x)[0] for name in ("max", "min", "argmax", "argmin")}


PLACES = np.arange(24).reshape(2, 3, 4)
REARRANGED = {
    "transposed": PLACES.transpose(2, 0, 1), "flipped": PLACES[:, ::-1], "part": PLACES[:, 1:, ::2],
    "tiled": np.tile(PLACES, (1, 2, 3)), "padded": np.pad(PLACES, ((1, 0), (0, 2), (1, 1)), constant_values=-1),
    "reflected": np.pad(PLACES, ((0, 0), (2, 1), (1, 1)), "reflect"), "nothing": PLACES[:, :0],
}  # fmt: skip


def _rearranged(places, rows, fill=0.0):
    def run(op, dtype):
        y, saved = op.forward(normal(rows, 24, dtype=dtype), Table(places, 24), fill)
        return {"y": y, "dx": op.backward(normal(*y.shape, seed=1, dtype=dtype), saved)}

    return run


for name, places in REARRANGED.items():
    case("moves", name)(_rearranged(places, 3, fill=1.5))
case("moves", "one row")(_rearranged(REARRANGED["reflected"], 1))
case("moves", "no rows")(_rearranged(REARRANGED["tiled"], 0))


def _product(a_shape, b_shape):
    def run(op, dtype):
        y, saved = op.forward(normal(*a_shape, dtype=dtype), normal(*b_shape, seed=1, dtype=dtype))
        da, db = op.backward(normal(*y.shape, seed=2, dtype=dtype), saved)
        return {"y": y, "da": da, "db": db}

    return run


for a_shape, b_shape in (
    ((3, 4, 5), (3, 5, 6)), ((2, 1, 7), (2, 7, 1)), ((3, 4, 5), (1, 5, 6)), ((1, 33, 40), (1, 40, 35)),
    ((2, 9, 1), (2, 1, 3)),
):  # fmt: skip
    case("matrix_product", f"{a_shape} and {b_shape}")(_product(a_shape, b_shape))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)


def test_equal_largest_numbers_share_the_gradient(each_backend):
    x = np.array([3.0, 1.0, 3.0, 3.0, 1.0]).reshape(1, 5, 1)
    for name, share in (("max", [1 / 3, 0, 1 / 3, 1 / 3, 0]), ("min", [0, 1 / 2, 0, 0, 1 / 2])):
        y, saved = reduce.forward(name, transfer.to_device(x))
        dx = reduce.backward(name, transfer.full_like(y, 6.0), saved)
        np.testing.assert_allclose(transfer.to_host(dx).reshape(-1), 6 * np.array(share), rtol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS, ids="elementwise-{}".format)
def test_formulas_that_only_a_gpu_compiles_say_the_same(name):
    """`formulas.py` gives numpy's functions and their derivatives, number by number."""
    function, derivative = FUNCTIONS[name]
    formula = getattr(formulas, name)
    its_derivative = getattr(formulas, f"{name}_derivative", formulas.step_derivative)
    x, dy = np.abs(normal(40, seed=1)) * 0.9 + 0.05, normal(40, seed=2)
    y = function(x)
    dx = [its_derivative(*three, 0.0) for three in zip(dy, x, y, strict=True)]
    assert_close(np.array([formula(a, 0.0) for a in x], float), y, 1e-12)
    assert_close(np.array(dx, float), derivative(dy, x, y), 1e-12)


@pytest.mark.parametrize("name", ["max", "min"], ids="reduce-{}".format)
def test_equal_extremes_share_the_gradient(name):
    """Each of the k largest numbers gets 1/k of the gradient, as in TensorFlow."""
    x, dy = np.round(normal(4, 9, 3, seed=5).clip(-1, 1)), normal(4, 3, seed=6)
    extreme = getattr(np, name)
    for variant in ("vectorized", "cpu"):
        op = module("reduce", variant)
        _, saved = getattr(op, f"{name}_forward")(x)
        dx = getattr(op, f"{name}_backward")(dy, saved)
        for a, b in np.ndindex(4, 3):
            winners = [r for r in range(9) if x[a, r, b] == extreme(x[a, :, b])]
            for r in range(9):
                assert dx[a, r, b] == pytest.approx(dy[a, b] / len(winners) if r in winners else 0.0)
